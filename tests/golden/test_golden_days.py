import json
from pathlib import Path

import pytest

from tests.golden.days import DAYS, Day, played


@pytest.mark.parametrize("day", DAYS, ids=lambda day: f"{day.on}-seed{day.seed}")
def test_the_desk_does_what_was_reviewed(day: Day, tmp_path: Path) -> None:
    """If a change was meant, run ``python tests/golden/days.py`` and have the proposal reviewed."""
    assert json.loads(json.dumps(played(day, tmp_path))) == json.loads(day.answer.read_text())
