"""Names are found with the entity model, where it is worth asking."""

import pytest
from inference_configs import INFERENCE

from models.manifest import SHIPPED, read
from models.masker import Masker


@pytest.fixture(scope="module")
def masker():
    opened = Masker(read(SHIPPED), INFERENCE, names=True)
    opened.warm_up()
    yield opened
    opened.close()


async def test_everything_personal_is_masked_at_once(masker):
    text = "My neighbour Gerald Whitcombe, +1 202-555-0143, lives at 12 Garden Street."
    shown, masks = await masker.mask(text, "en")
    assert shown == "My neighbour [person], [phone], lives at [address]."
    assert [each.kind for each in masks] == ["person", "phone", "address"]


async def test_model_is_asked_only_where_someone_is_introduced(masker):
    before = masker.stats.asked_for_names
    assert (await masker.mask("Angela Merkel would never have done this.", "en"))[1] == []
    assert masker.stats.asked_for_names == before
    assert (await masker.mask("My teacher says Barack Obama is right.", "en"))[1] == []
    assert masker.stats.asked_for_names == before + 1


async def test_without_names_no_model_is_opened():
    plain = Masker(read(SHIPPED), INFERENCE, names=False)
    shown, _ = await plain.mask("Ask Gerald Whitcombe, +1 202-555-0143.", None)
    assert shown == "Ask Gerald Whitcombe, [phone]."
    plain.close()
