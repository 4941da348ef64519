"""Desks that several test modules look at; who changes one takes a copy (`tests.ui.pages.copied`)."""

import pytest

from agents.settings import Settings
from tests.ui.pages import paper_desk


@pytest.fixture(scope="session")
def noon(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A paper desk at noon of a session, in which one position is open. Not to be written to."""
    return paper_desk(tmp_path_factory.mktemp("noon"))
