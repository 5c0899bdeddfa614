"""Texts without personal data: forms, language and names together."""

from dataclasses import dataclass

from models.heads import HEADS, HeadOptions, Reading
from models.inference import Inference
from models.inference_config import ENTITIES_MIN_SCORE, InferenceConfig
from models.language_codes import declared
from models.manifest import Manifest, covering
from models.personal_data import (
    Found,
    find,
    mask,
    may_be_phone,
    may_name_someone,
    merged,
    private_names,
)
from models.text import ArticleText
from schemas.comment import PersonalData
from schemas.enriched_article import UNDETERMINED

ENTITIES = "entities"


@dataclass
class MaskerStats:
    """What a masker has done since it was opened."""

    masked: int = 0
    asked_for_names: int = 0


class Masker(Inference[None]):
    """Finds and masks personal data; keeps no answers. Lives on one event loop.

    names  whether names are looked for; without them no model is opened

    The head of `entities` reads a text only where someone is introduced or other personal data
    stands: few comments pay for it. A name with a Wikidata id is a public one, and stays.
    """

    def __init__(self, manifest: Manifest, config: InferenceConfig, *, names: bool) -> None:
        self._routes = [r for r in manifest.job_routes if r.task == ENTITIES and names]
        super().__init__(manifest, self._routes, config)
        options = HeadOptions(
            topics_precision=0.8,
            entities_score=ENTITIES_MIN_SCORE,
            summary_sentences=1,
            summary_characters=50,
            tags=0,
        )
        self._heads = {r.model: HEADS[ENTITIES](manifest, r, options) for r in self._routes}
        self.stats = MaskerStats()

    async def mask(self, text: str, language: str | None) -> tuple[str, list[PersonalData]]:
        """The text without personal data, and where it was. Raises InferenceError.

        language  what the text is said to be written in; found where nothing is said
        """
        found = await self.find(text, language)
        self.stats.masked += len(found)
        return mask(text, found)

    async def find(self, text: str, language: str | None) -> list[Found]:
        """Personal data in a text, in order."""
        found = self._forms(text, language)
        if not may_name_someone(text, found):
            return found
        persons, public = await self._persons(text, self._code(text, language))
        return merged(found, private_names(text, persons, public, found))

    def mask_without_models(self, text: str, language: str | None) -> str:
        """The text without the personal data that is found by its form, whatever models do."""
        found = self._forms(text, language)
        return mask(text, merged(found, private_names(text, [], [], found)))[0]

    def _forms(self, text: str, language: str | None) -> list[Found]:
        return find(text, self._code(text, language) if may_be_phone(text) else UNDETERMINED)

    def _code(self, text: str, told: str | None) -> str:
        """ISO 639-1 code of what a text is said to be written in, else of what it looks like."""
        return declared(told) or self._languages.detect(text).code

    async def _persons(
        self, text: str, language: str
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Where persons are named: nobody that we know, and public ones."""
        routes = covering(self._routes, "en" if language == UNDETERMINED else language)
        if not routes:
            return [], []
        self.stats.asked_for_names += 1
        model = routes[0].model
        head = text[: self._passes.characters(model)]
        (read,) = await self._passes.read([(model, head)])
        reading = Reading(ArticleText("", text), *read, language=language)
        persons = [
            entity
            for entity in self._heads[model](reading)["entities"]
            if entity.mention.type == "person"
        ]
        unknown = [p.mention for p in persons if p.wikidata_id is None]
        public = [p.mention for p in persons if p.wikidata_id is not None]
        return [(m.start, m.end) for m in unknown], [(m.start, m.end) for m in public]
