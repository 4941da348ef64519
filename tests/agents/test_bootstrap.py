from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.bootstrap import make_desk, make_judge, open_ledger, open_store
from agents.cycle import run_cycle
from agents.data.clock import ReplayClock
from agents.data.ledger import Ledger
from agents.domain.cycle import Reason
from agents.domain.errors import ConfigError, WrongModeError
from agents.settings import Settings

NOW = datetime(2024, 6, 5, 6, 0, tzinfo=UTC)


def settings(folder: Path, **update: object) -> Settings:
    plain = Settings(_env_file=None, data_dir=folder, openai_api_key=None, openai_base_url=None, judge="auto")
    return plain.model_copy(update=update)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(settings(tmp_path), now=lambda: NOW)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("update", "name"),
    [
        ({}, "rules"),
        ({"mode": "replay"}, "rules"),
        ({"openai_base_url": "http://127.0.0.1:9/v1"}, "openai:"),
        ({"openai_api_key": SecretStr("k")}, "openai:"),
        ({"openai_api_key": SecretStr("k"), "mode": "replay"}, "recorded:"),
        ({"openai_api_key": SecretStr("k"), "judge": "rules"}, "rules"),
        ({"judge": "recorded"}, "recorded:"),
        ({"openai_api_key": SecretStr("k"), "mode": "replay", "judge": "openai"}, "openai:"),
    ],
)
def test_the_judge_follows_key_mode_and_choice(
    tmp_path: Path, ledger: Ledger, update: dict[str, object], name: str
) -> None:
    assert make_judge(settings(tmp_path, **update), ledger, ReplayClock(NOW)).name.startswith(name)


def test_the_model_without_a_key_names_the_cure(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        make_judge(settings(tmp_path, judge="openai"), ledger, ReplayClock(NOW))


def test_store_and_ledger_belong_to_their_mode(tmp_path: Path) -> None:
    replaying = settings(tmp_path, mode="replay")
    with open_store(replaying, now=lambda: NOW).write() as connection:
        connection.execute("select 1")
    open_ledger(replaying, now=lambda: NOW).close()
    (tmp_path / "paper").mkdir(exist_ok=True)
    for file in ("market.duckdb", "ledger.sqlite"):
        (tmp_path / "paper" / file).write_bytes((tmp_path / "replay" / file).read_bytes())
    with pytest.raises(WrongModeError), open_store(settings(tmp_path), now=lambda: NOW).read():
        pass
    with pytest.raises(WrongModeError):
        open_ledger(settings(tmp_path), now=lambda: NOW)


def test_a_live_desk_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    live = settings(tmp_path, mode="live")
    store = open_store(live, now=lambda: NOW)
    judge = make_judge(settings(tmp_path), ledger, ReplayClock(NOW))
    with pytest.raises(ConfigError, match="asks its guardian"):
        make_desk(live, store=store, ledger=ledger, judge=judge)


def test_a_desk_over_an_empty_store_skips_for_a_named_reason(tmp_path: Path, ledger: Ledger) -> None:
    paper = settings(tmp_path)
    store = open_store(paper, now=lambda: NOW)
    with store.write() as connection:
        connection.execute("select 1")
    judge = make_judge(paper, ledger, ReplayClock(NOW))
    desk = make_desk(paper, store=store, ledger=ledger, judge=judge)
    record = run_cycle(desk, NOW, "NIFTY")
    assert record.reason is Reason.PRICE_MISSING
    assert ledger.latest("cycle") is not None
