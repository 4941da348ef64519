"""How the desk is: its processes, the market's clock, and the last things it did."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.bootstrap import open_ledger
from agents.data.calendar import NseCalendar
from agents.data.clock import SimulatedMarketClock, market_clock
from agents.data.halt_file import halt_reason
from agents.data.store import Store
from agents.domain.cycle import DeskState
from agents.domain.errors import TradingError
from agents.domain.values import IST
from agents.execution.controls import standing
from agents.settings import Settings
from ui.format import change
from ui.hub import Hub
from ui.profit import of_day
from zonedesk.home import DeskHome
from zonedesk.judges import judge_in_words
from zonedesk.shell import wall_now
from zonedesk.views import ist, table
from zonedesk.wire import feed_text, wire_facts

Facts = dict[str, Any]  # Any: JSON
MENTIONED_SECONDS = 10.0  # how long a process that ended and runs again is still a problem
PATIENCE_SECONDS = 2.0  # for a store that somebody writes to; what is wrong must show within five

_LAST = """
    select (select max(closed_at) from candles where instrument = $instrument and minutes = 1),
           (select max(known_at) from analysis_candles where instrument = $instrument),
           (select arg_max({decided_at: decided_at, decision: decision, reason: reason}, decided_at) from cycles
            where instrument = $instrument)
"""


def desk_status(settings: Settings) -> Facts:
    """Return the desk's state as JSON; `state` is "ready" where everything answers, and `problems` is then empty.

    Store and ledger may keep a reader waiting for a moment, so the processes and the wire are looked at after them.
    """
    home = DeskHome.of(settings)
    last, result, judge = _last(settings), _result(settings), judge_in_words(settings)
    said = home.read_status()
    pid = home.running_pid()
    runs = pid is not None
    children = said.get("services", []) if runs else []
    wire = wire_facts(settings, wall_now()) if runs and settings.mode == "paper" else {}
    problems = [*_service_problems(children), *wire.get("problems", [])]
    problems += [last["problem"]] if "problem" in last else []
    state = said.get("state", "stopped") if runs else "stopped"
    return {
        "state": "degraded" if state == "ready" and problems else state,
        "mode": settings.mode,
        "pid": pid,
        "home": str(home.folder),
        "services": children,
        "market": _market(settings),
        "feed": wire.get("feed"),
        "exchange": wire.get("exchange"),
        "judge": judge,
        "result": result,
        **last,
        "problems": problems,
    }


def _service_problems(children: list[Facts]) -> list[str]:
    """Return which processes do not run, do not answer, or ended a moment ago: most are back before anybody looks."""
    return [problem for child in children if (problem := _service_problem(child))]


def _service_problem(child: Facts) -> str:
    name, state = child["name"], child["state"]
    if state != "ready":
        return f"{name} is {state}" + (f", see {child['log']}" if state == "failed" else "")
    ended = child.get("ended_at")
    ago = (wall_now() - datetime.fromisoformat(ended)).total_seconds() if ended else MENTIONED_SECONDS
    return f"{name} ended {max(ago, 0.0):.0f} s ago and runs again" if ago < MENTIONED_SECONDS else ""


def _market(settings: Settings) -> Facts:
    clock = market_clock(settings, NseCalendar())
    now = clock.now()
    session = NseCalendar().session(now.date())
    facts = {"now": ist(now), "open": session is not None and session.is_open(now)}
    if isinstance(clock, SimulatedMarketClock):
        facts |= {"simulated": True, "speed": clock.speed, "running": clock.file.running}
    return facts


def _result(settings: Settings) -> Facts | None:
    """Return what the day has brought, by the way that the dashboard has; None where there is no ledger to ask."""
    hub = Hub(settings)
    try:
        seen = hub.take()
    finally:
        hub.stop()
    if seen.desk.state is None:
        return None
    day = of_day(seen.desk.orders, seen.market.now.astimezone(IST).date(), seen.market.prices)
    return {"net": str(day.value), "charges": str(day.charges), "final": day.final, "priced": day.priced}


def _last(settings: Settings) -> Facts:
    """Return the last candle, analysis and cycle, and what the desk may do; the problem where they cannot be read."""
    store = Store(settings.store_path, settings.mode, now=wall_now, create=False, patience=PATIENCE_SECONDS)
    why = halt_reason(settings.home)
    facts: Facts = {"last_candle": None, "last_analysis": None, "last_cycle": None, "desk": None, "halted": why}
    if why:
        facts["desk"] = DeskState.HALTED.value
    if not store.exists:
        return {**facts, "problem": "the store is empty; start the desk or import data"}
    try:
        candle, analysis, cycle = store.rows(_LAST, {"instrument": settings.instruments[0]})[0]
        ledger = open_ledger(settings, now=wall_now)
        state, facts["halted"] = standing(ledger, settings.home)
        facts["desk"] = state.value
        ledger.close()
    except TradingError as error:
        return {**facts, "problem": str(error)}
    return {
        **facts,
        "last_candle": _moment(candle),
        "last_analysis": _moment(analysis),
        "last_cycle": {**cycle, "decided_at": ist(cycle["decided_at"])} if cycle else None,
    }


def _moment(value: datetime | None) -> str | None:
    return ist(value) if value else None


def status_text(facts: Facts) -> str:
    """Return the desk's state as people read it."""
    market = facts["market"]
    pace = f", {market['speed']} market minutes a minute" if market.get("simulated") else ""
    cycle = facts["last_cycle"]
    lines = [
        f"desk           {facts['state']}" + (f" (process {facts['pid']})" if facts["pid"] else ""),
        f"market         {market['now'][:19]} {'open' if market['open'] else 'closed'}{pace}",
        f"last candle    {facts['last_candle'] or 'none'}",
        f"last analysis  {facts['last_analysis'] or 'none'}",
        f"last cycle     {_cycle(cycle) if cycle else 'none'}",
        f"judge          {facts['judge']}",
        f"trading        {facts['desk'] or 'unknown'}" + (f": {facts['halted']}" if facts["halted"] else ""),
    ]
    if facts["exchange"] is not None:
        answers = "answers" if facts["exchange"]["reachable"] else "does not answer"
        lines[2:2] = [
            f"exchange       {answers} at {facts['exchange']['address']}",
            f"feed           {feed_text(facts['feed'])}",
        ]
    if facts["result"] is not None:
        lines.append(f"result         {_won(facts['result'])}")
    lines += [f"problem        {problem}" for problem in facts["problems"]]
    if facts["services"]:
        header = ("process", "state", "pid", "restarts", "address")
        rows = [tuple(str(service[name] or "") for name in ("name", *header[1:])) for service in facts["services"]]
        lines += ["", table(header, rows)]
    return "\n".join(lines)


def _cycle(cycle: Facts) -> str:
    return f"{cycle['decided_at'][:19]} {cycle['decision']}: {cycle['reason']}"


def _won(result: Facts) -> str:
    note = (
        "" if result["final"] else ", so far" if result["priced"] else ", so far, without positions that have no price"
    )
    return f"{change(Decimal(result['net']))} rupees after charges of {result['charges']}{note}"
