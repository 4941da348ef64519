"""Prompts, schemas, keys and prices: what must not change by accident."""

import hashlib
import tomllib
from datetime import date
from decimal import Decimal
from importlib import resources

import pytest

from agents.domain.calls import Usage
from agents.domain.errors import ConfigError
from agents.llm.models import price_of
from agents.llm.prompts import load_prompt
from agents.llm.question import rounded, setup_question, zone_question
from agents.llm.verdicts import shown
from tests.agents.llm.samples import SETUP, ZONE

PROMPTS = resources.files("agents.llm.prompts")


def test_a_prompt_that_was_edited_needs_a_new_version() -> None:
    locked = tomllib.loads(PROMPTS.joinpath("lock.toml").read_text())
    found = {
        f"{folder.name}/{file.name.removesuffix('.md')}": hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in PROMPTS.iterdir()
        if folder.is_dir()
        for file in folder.iterdir()
        if file.name.endswith(".md")
    }
    assert found == locked


def test_the_hash_of_prompt_and_schema_is_locked() -> None:
    # A change here starts a new calibration: make it a new version of the prompt.
    assert zone_question("m", 0.1).prompt_sha == "98e71ba410fd"
    assert setup_question("m", 0.1).prompt_sha == "b839491162ed"


def test_the_key_of_a_question_is_locked() -> None:
    # A change here orphans every recorded reply.
    assert (
        zone_question("gpt-6-luna", 0.1).key(ZONE, 0)
        == "49d4a47d1398d493cf87ef434d4e2060abb3249040889b516e7941addf179e91"
    )
    assert (
        setup_question("local", 0.1).key(SETUP, 0) == "d2c79de0bc1751d89efdccd6740f62fb21ef2afe95060f818bdb58f30954ffc3"
    )


def test_model_temperature_and_sample_are_part_of_the_key() -> None:
    keys = {
        setup_question(model, heat).key(SETUP, sample)
        for model in ("a", "b")
        for heat in (0.1, 0.2)
        for sample in (0, 1)
    }
    assert len(keys) == 8


def test_a_temperature_that_is_not_sent_is_not_part_of_the_key() -> None:
    assert setup_question("gpt-6-sol", 0.1).key(SETUP, 0) == setup_question("gpt-6-sol", 0.7).key(SETUP, 0)


def test_facts_are_rounded_without_negative_zero() -> None:
    facts = rounded(ZONE.model_copy(update={"to_poc_atr": -0.00001, "parts": {"x": 0.123456}}))
    assert str(facts["to_poc_atr"]) == "0.0"
    assert facts["parts"] == {"x": 0.1235}


@pytest.mark.parametrize("question", [zone_question("m", 0.1), setup_question("m", 0.1)])
def test_the_schema_is_the_portable_subset(question: object) -> None:
    schema = question.schema  # type: ignore[attr-defined]  # two kinds of question in one list
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False
    allowed = {"type", "enum", "items", "properties", "required", "additionalProperties"}
    for node in (schema, *schema["properties"].values()):
        assert set(node) <= allowed


def test_a_question_fits_its_budget_with_room_to_spare() -> None:
    assert zone_question("m", 0.1).input_tokens(ZONE) < 2000
    assert setup_question("m", 0.1).input_tokens(SETUP) < 2000


def test_a_version_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match="no prompt zone_verdict v99"):
        load_prompt("zone_verdict", 99)


def test_a_known_model_costs_its_list_price() -> None:
    usage = Usage(input_tokens=1_500, output_tokens=400)
    assert price_of("gpt-6-luna", date(2026, 11, 20)).cost(usage) == Decimal("0.00035")
    assert price_of("gpt-6-sol", date(2024, 1, 1)).cost(usage) == Decimal("0.007")


def test_an_unknown_model_counts_as_the_dearest() -> None:
    assert price_of("mystery", date(2026, 11, 20)) == price_of("gpt-6-sol", date(2026, 11, 20))


def test_words_are_shown_without_what_could_deceive() -> None:
    assert shown("a\u202eb\u200bc<b>\x07\n") == "abcb"
