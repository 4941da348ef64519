"""A dashboard over a desk in which whatever a model, a broker or a person can write is an attack on its reader."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from agents.data.ledger import Ledger, Severity
from agents.domain.calls import LlmCall
from agents.domain.cycle import DeskState
from agents.domain.zones import Outcome
from agents.settings import Settings
from tests.browser.dashboards import Dashboard
from tests.browser.desks import ROOT, free_port
from zonedesk.shell import wall_now

ELSEWHERE = "evil.example"
ATTACKS = (
    "<script>ran.push(1)</script>",
    "<img src=x onerror=ran.push(2)>",
    '"><svg/onload=ran.push(3)>',
    "' onmouseover='ran.push(4)",
    "<a href=javascript:ran.push(5)>a</a>",
    "[b](javascript:ran.push(6))",
    f"![c](https://{ELSEWHERE}/c.png)",
    f"<https://{ELSEWHERE}/d>",
    f"https://{ELSEWHERE}/e",
    f"</td></table></div><iframe src=//{ELSEWHERE}></iframe>",
    f"<style>@import '//{ELSEWHERE}/f.css'</style><base href=//{ELSEWHERE}>",
    f"<form action=//{ELSEWHERE}><button>g</button></form>",
    ":red[h] $x^2$ `i` **j** :material/bolt: :smile: &lt;b&gt; {{7*7}} <%= 7 %>",
    "\u202e0521\u202c \x1b[31mk\x1b[0m \x9b31m",
    "W" * 400,
)  # fmt: skip
PLACES = (
    "reason", "judge", "source", "detail", "halt", "alert", "command", "asker", "contract", "refusal", "beat", "fact",
    "service", "address", "trouble", "model", "asked", "answered",
)  # fmt: skip
FREE_WORDS = frozenset({"detail", "rejected", "refusals"})


def attack(place: str) -> str:
    """Return the text that stands in a place."""
    assert place in PLACES
    return f"{place}~ {' '.join(ATTACKS)}"


class HostileDashboard(Dashboard):
    """A dashboard over a copy of another's desk with attacks in it."""

    def __init__(self, folder: Path, known: Settings) -> None:
        shutil.copytree(known.data_dir, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("dagster", "*.log"))
        self.settings = known.model_copy(update={"data_dir": folder})
        call = _spoil_store(self.settings)
        self.zone = call.subject
        _spoil_ledger(self.settings, call)
        _spoil_files(self.settings)
        self.address = f"http://127.0.0.1:{free_port()}"
        port = self.address.rsplit(":", 1)[1]
        self._log = (folder / "dashboard.log").open("ab")
        mode = {"PYTHONPATH": str(ROOT), "ZONEDESK_MODE": known.mode, "ZONEDESK_DATA_DIR": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "server.py"), "--server.port", port],
            env={**os.environ, **mode},
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
        )

    def ledger(self) -> Ledger:
        return Ledger.open(self.settings.ledger_path, self.settings.mode, now=wall_now)


def _spoil_store(settings: Settings) -> LlmCall:
    """Have the judge and the trade cycle say attacks; return the call behind the last verdict, an attack too."""
    with duckdb.connect(settings.store_path) as store:
        store.execute("update verdicts set judge = ?, reason = ?", [attack("judge"), attack("reason")])
        store.execute("update volume_profile set source = ?", [attack("source")])
        last = "select zone_id, call_key, known_at from verdicts order by known_at desc limit 1"
        zone, key, at = store.execute(last).fetchone() or ("", "", None)
        assert zone
        assert at is not None
        said = {"body": attack("answered"), "facts": json.dumps({"zone": attack("asked")}), "model": attack("model")}
        store.execute(
            "insert into ledger_calls (id, key, asked_at, written_at, body, facts, model, subject, prompt_id, "
            "prompt_version, status, attempts, cost, latency) "
            "values (9001, ?, ?, ?, ?, ?, ?, 'z', 'p', 1, 'ok', 1, 0.1, 0.1)",
            [key, at, at, *said.values()],
        )
        for cycle_id, record in store.execute("select cycle_id, record from cycles").fetchall():
            changed = json.dumps(_attacked(json.loads(record)))
            store.execute("update cycles set record = ? where cycle_id = ?", [changed, cycle_id])
    return LlmCall(
        key=key or "no-key", subject=zone, asked_at=at, model=attack("model"), prompt_id="p", prompt_version=1,
        prompt_sha="0" * 64, system="s", reply_schema="{}", facts=attack("asked"), params="{}", sample=0,
        status=Outcome.OK, body=attack("answered"), attempts=1,
    )  # fmt: skip


def _attacked(said: Any) -> Any:  # Any: JSON
    """Return JSON with attacks for its free words."""
    if isinstance(said, list):
        return [_attacked(each) for each in said]
    if not isinstance(said, dict):
        return said
    spoilt = {name: [attack("detail")] if isinstance(said[name], list) else attack("detail")
              for name in FREE_WORDS & said.keys() if said[name]}  # fmt: skip
    return {name: _attacked(value) for name, value in said.items()} | spoilt


def _spoil_ledger(settings: Settings, call: LlmCall) -> None:
    """Have the broker, the guardian, a model and people say attacks."""
    ledger = Ledger.open(settings.ledger_path, settings.mode, now=wall_now)
    ledger.calls.record_call(call)
    now = datetime.now(UTC)
    order = {
        "setup_id": "setup-evil", "contract": attack("contract"), "state": "protected", "entry_limit": "133.35",
        "stop_trigger": "110", "target_limit": "170", "placed_at": now.isoformat(),
        "entry": {"at": now.isoformat(), "price": "133.35", "quantity": 75}, "exit": None,
    }  # fmt: skip
    ledger.append("order", order, at=now)
    wish = {"setup": {"setup_id": "setup-no"}, "order": {"setup_id": "setup-no", "contract": attack("contract")}}
    ledger.append("trade_request", wish, at=now)
    refusal = {"setup_id": "setup-no", "outcome": "refused", "detail": attack("refusal"), "vetoes": []}
    ledger.append("trade_answer", refusal, at=now)
    ledger.heartbeats.beat(attack("beat")[:120], {"x": attack("fact")})
    ledger.outbox.put(Severity.CRITICAL, "k", attack("alert"))
    ledger.commands.ask("c-evil", attack("command")[:60], {}, by=attack("asker")[:128])
    ledger.set_desk_state(DeskState.HALTED, attack("halt"), by="x")
    ledger.close()


def _spoil_files(settings: Settings) -> None:
    """Have the feed and the supervisor say attacks."""
    run = settings.home / "run"
    run.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    feed = {"written_at": now.isoformat(), "heard_at": (now - timedelta(seconds=9)).isoformat(), "expected": True,
            "connected": False, "trouble": attack("trouble")}  # fmt: skip
    (run / "feed.json").write_text(json.dumps(feed))
    service = {"name": attack("service"), "state": "ready", "pid": 1, "restarts": 0, "address": attack("address")}
    (run / "status.json").write_text(json.dumps({"state": "ready", "services": [service]}))
