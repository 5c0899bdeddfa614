import pytest
from newsdesk import DESK, SCORER, TERMS

from models.breaking.desk import DeskAtWork


@pytest.fixture
def desk() -> DeskAtWork:
    return DeskAtWork(DESK, SCORER, TERMS)
