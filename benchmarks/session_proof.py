"""What `full_session` compares at the end: the exchange's account, the ledger, the status, and the day repeated."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from agents.bootstrap import open_ledger
from agents.data.ledger.ledger import CYCLE
from agents.domain.lifecycle import OVER
from agents.domain.values import IST
from agents.execution.agent import ExecutionAgent, Waiting
from agents.execution.guardian.standing import left_on, of_day
from benchmarks.paper_account import Facts
from benchmarks.session_desk import SessionDesk
from zonedesk.shell import wall_now

PAISE = 100


class Line(NamedTuple):
    """One statement, what was found by whom, and whether it holds."""

    what: str
    found: str
    holds: bool


def books(desk: SessionDesk, on: date, least: int) -> list[Line]:
    """Return what the books say of a day, while the exchange still answers."""
    account, status = desk.account.book(), json.loads(desk.command("status", "--json").stdout)
    settings = desk.settings
    ledger = open_ledger(settings, now=wall_now)
    try:
        agent = ExecutionAgent(ledger, wall_now, Waiting(time.monotonic, time.sleep))
        ours = agent.result(on, settings.brokerage_rupees)
        cases = of_day(agent.cases(on), on)
        trades = left_on(agent.cases(on), on, settings.brokerage_rupees)
        cycles = [event.payload for event in ledger.events(CYCLE) if event.at.astimezone(IST).date() == on]
    finally:
        ledger.close()
    _tell_reasons(desk, cycles)
    funds = account["funds"]
    net, charges = _rupees(funds["cash"] - funds["day_began_with"]), _rupees(funds["charges"])
    audit = desk.command("audit", "verify")
    open_cases = [case.setup_id for case in cases if case.state not in OVER]
    sums = {
        "gross": (net + charges, ours.gross, sum((one.gross for one in trades), Decimal(0))),
        "charges": (charges, ours.charges, sum((one.costs for one in trades), Decimal(0))),
        "net": (net, ours.net, sum((one.net for one in trades), Decimal(0))),
    }
    return [
        Line("cycles", f"{len(cycles)}", bool(cycles)),
        Line(f"round trips, at least {least}", f"{len(trades)}", len(trades) >= least),
        Line("flat at the exchange", _positions(account), not desk.account.holds()),
        Line("flat in the ledger", f"held {ours.held}, open {open_cases}", not ours.held and not open_cases),
        Line("executions", *_same((len(account["trades"]), ours.executions))),
        *(Line(f"{name}: exchange, executions, round trips", *_same(found)) for name, found in sums.items()),
        *_of_status(status, net, charges),
        Line("audit chain", audit.stdout.strip().splitlines()[-1] if audit.stdout else "", audit.returncode == 0),
    ]


def replayed(desk: SessionDesk, on: date) -> list[Line]:
    """Return whether the day comes out the same when it is gone through again."""
    ledger = desk.settings.ledger_path
    done = desk.command("replay", on.isoformat(), "--recorded-from", str(ledger), "--json")
    what = "repeated decisions, byte for byte"
    facts: Facts = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    if "differences" not in facts:
        return [Line(what, (done.stderr.strip().splitlines() or ["nothing was said"])[-1], False)]
    differences = facts["differences"]
    cycles = {each["at"] for each in differences}
    text = f"{len(facts['cycles'])} cycles, {len(cycles)} of them otherwise"
    return [Line(what, text, done.returncode == 0 and not differences)]


def table(lines: Iterable[Line]) -> str:
    """Return the lines as a table."""
    rows = [f"| {line.what} | {line.found} | {'holds' if line.holds else 'DOES NOT HOLD'} |" for line in lines]
    return "\n".join(["| what | found | |", "|---|---|---|", *rows])


def _of_status(status: Facts, net: Decimal, charges: Decimal) -> list[Line]:
    """Return whether `zonedesk status` tells the same result."""
    told = status.get("result") or {}
    return [
        Line(f"{name}: exchange, status", *_same((ours, Decimal(told[name]) if name in told else None)))
        for name, ours in (("net", net), ("charges", charges))
    ]


def _tell_reasons(desk: SessionDesk, cycles: Sequence[Facts]) -> None:
    reasons = Counter(f"{cycle['decision']} {cycle['reason']}" for cycle in cycles)
    desk.say("cycles: " + ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()))


def _positions(account: Facts) -> str:
    return f"{[one['net'] for one in account['positions']]}"


def _same(found: Sequence[object]) -> tuple[str, bool]:
    return ", ".join(str(one) for one in found), len(set(found)) == 1


def _rupees(paise: int) -> Decimal:
    return Decimal(paise) / PAISE
