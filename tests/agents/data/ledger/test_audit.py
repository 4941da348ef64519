"""The audit file: what it holds, and that no change of it goes unseen."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.ledger import Ledger, check_audit
from agents.domain.calls import LlmCall, Usage
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.zones import Outcome
from tests.agents.data.ledger.servers import Place, vandalise

AT = datetime(2024, 6, 5, 6, 0, tzinfo=UTC)
CALL = LlmCall(
    key="k" * 64,
    subject="zone-1",
    asked_at=AT,
    model="gpt-6-luna",
    prompt_id="zone_verdict",
    prompt_version=1,
    prompt_sha="abc123abc123",
    system="Judge.",
    reply_schema="{}",
    facts="{}",
    params="{}",
    sample=0,
    status=Outcome.OK,
    body='{"verdict":"confirm"}',
    usage=Usage(input_tokens=1500),
    cost=Decimal("0.00035"),
    latency=1.25,
)


class Watch:
    at = AT

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def ledger(place: Place) -> Ledger:
    """Four events on each of three days, the third of each a call."""
    watch = Watch()
    ledger = Ledger.open(place, "paper", now=watch)
    for number in range(3):
        watch.at = AT + timedelta(days=number)
        ledger.append("order", {"number": number, "text": "₹ und ü"}, key=f"a{number}")
        ledger.append("fill", {"number": number})
        ledger.calls.record_call(CALL.model_copy(update={"asked_at": watch.at}))
        ledger.append("note", {})
    return ledger


def test_an_export_is_checked_without_the_ledger(ledger: Ledger, tmp_path: Path) -> None:
    made = ledger.export(tmp_path / "log.jsonl")
    report = check_audit(tmp_path / "log.jsonl")
    assert (report.sound, report.checked, report.head) == (True, 12, made.head)
    assert (made.first, made.last, made.events, made.calls) == (1, 12, 12, 3)
    assert made.head == ledger.verify().head
    assert ledger.knows(made.head)
    assert not ledger.knows("f" * 64)


def test_an_export_of_some_days_proves_itself_too(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    made = ledger.export(file, first=date(2024, 6, 6), last=date(2024, 6, 6))
    assert (made.first, made.last) == (5, 8)
    assert check_audit(file).checked == 4
    with pytest.raises(MissingDataError, match="nothing was recorded from 2024-07-01"):
        ledger.export(file, first=date(2024, 7, 1))


def test_the_same_ledger_gives_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    for name in ("a", "b"):
        ledger.export(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("line", range(1, 17))
def test_a_change_of_any_line_is_found(tmp_path: Path, line: int) -> None:
    watch = Watch()
    ledger = Ledger.in_memory("paper", now=watch)
    for number in range(3):
        ledger.append("order", {"number": number}, key=f"a{number}")
        ledger.calls.record_call(CALL)
        ledger.append("note", {"number": number})
        ledger.append("fill", {"number": number})
    file = tmp_path / "log.jsonl"
    ledger.export(file)
    lines = file.read_text().splitlines()
    assert len(lines) == 17
    kind, facts = next(iter(json.loads(lines[line]).items()))
    for name in facts:
        wrong = facts | {name: facts[name] + 1 if isinstance(facts[name], int | float) else f"{facts[name]}x"}
        if wrong == facts:
            continue
        changed = [*lines[:line], json.dumps({kind: wrong}), *lines[line + 1 :]]
        file.write_text("\n".join(changed) + "\n")
        report = check_audit(file)
        assert not report.sound, name
        assert report.first_bad is not None
    file.write_text("\n".join([*lines[:line], *lines[line + 1 :]]) + "\n")
    assert not check_audit(file).sound


def test_the_first_bad_row_of_a_file_is_named(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    ledger.export(file)
    file.write_text(file.read_text().replace('"number\\":1', '"number\\":7', 1))
    report = check_audit(file)
    assert report.first_bad == 5
    assert "row 5 was changed" in report.problem


def test_a_file_that_was_cut_short_is_not_sound(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    ledger.export(file)
    file.write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")
    assert "its last line is missing" in check_audit(file).problem


def test_what_is_no_audit_file_is_named(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="there is no file"):
        check_audit(tmp_path / "log.jsonl")
    (tmp_path / "log.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError, match="is not an audit file"):
        check_audit(tmp_path / "log.jsonl")
    with pytest.raises(ConfigError, match="cannot write"):
        ledger.export(tmp_path / "none" / "log.jsonl")


def test_verify_tells_changed_contents_from_a_changed_hash(ledger: Ledger, place: Place) -> None:
    vandalise(place, """update event set payload = '{"number":9}' where seq = 5""")
    assert "so the contents were changed" in ledger.verify().problem
    assert "kind order, key a1" in ledger.verify().problem


def test_verify_sees_that_only_a_hash_was_changed(ledger: Ledger, place: Place) -> None:
    vandalise(place, "update event set hash = prev_hash where seq = 5")
    assert "only its hash was changed" in ledger.verify().problem


def test_verify_misses_rows_that_were_taken_from_the_end(ledger: Ledger, place: Place) -> None:
    ledger.append("order", {}, key="last")
    vandalise(place, *_without_foreign_keys(place))
    report = ledger.verify()
    assert (report.first_bad, report.problem) == (13, "rows 13 to 13 are missing at the end")


def _without_foreign_keys(place: Place) -> list[str]:
    drop = [] if isinstance(place, Path) else ["alter table event_link drop constraint event_link_seq_fkey"]
    return [*drop, "delete from event where seq = 13"]
