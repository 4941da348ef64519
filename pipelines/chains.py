"""The work behind the asset `option_chain`: ask for chains while the market is open, and say what is recorded.

Imported when a run starts and not when the definitions load, because it brings DuckDB and the broker's client.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from agents.data.contracts import expiry_at
from agents.data.market import StoreMarket
from agents.domain.errors import MissingDataError
from agents.domain.market import OptionChain, OptionQuote, Session
from agents.domain.values import IST, OptionType
from agents.options import ContractRules, summarise
from agents.options.quality import near_the_money, two_sided_share
from pipelines.queries import Snapshot, recorded_chains
from pipelines.resources import Workbench
from pipelines.task import Task
from pipelines.volatility import keep_daily_iv

NOTHING_RECORDED = "No chain was recorded in this session, and a chain of the past cannot be asked for."
_SHOWN_STRIKES = 11
Facts = dict[str, Any]  # Any: whatever Dagster can show


def record_chains(bench: Workbench, task: Task) -> Mapping[str, OptionChain]:
    """Ask for the chains that are traded now, where the task is about now, and keep them.

    The chain of the nearest expiry that may still be traded comes first, then that of the nearest of all if it is
    another one, whose open interest and volatility are part of the picture.

    Returns
    -------
    mapping of str to OptionChain
        By index, the chain that may be traded; empty where the session is over or its market is a recording.

    Raises
    ------
    StaleDataError
        If a chain has not changed for minutes.
    MissingDataError
        If there is no such chain.
    DhanError
        If a chain cannot be had, or contradicts the instrument master.
    """
    if not is_recordable(bench, task):
        return {}
    found = {}
    for name in task.instruments:
        tradable, *others = wanted_expiries(bench, name)
        found[name] = bench.agent.fetch_option_chain(name, tradable)
        for expiry_on in others:
            bench.agent.fetch_option_chain(name, expiry_on)
        keep_daily_iv(bench, name, (tradable, *others))
    return found


def is_recordable(bench: Workbench, task: Task) -> bool:
    """Whether the task's last session is open just now, in a market that can be asked."""
    return bench.settings.mode != "replay" and task.until == task.now and task.sessions[-1].is_open(task.now)


def wanted_expiries(bench: Workbench, underlying: str) -> list[date]:
    """Return the expiry that the trade cycle trades, then the nearest one if that is another."""
    listed = bench.agent.expiries(underlying)
    earliest = bench.agent.clock.now() + timedelta(minutes=ContractRules().minutes_to_expiry)
    tradable = next((on for on in listed if expiry_at(on) >= earliest), listed[0])
    return list(dict.fromkeys((tradable, listed[0])))


def chain_facts(bench: Workbench, task: Task, session: Session, fresh: Mapping[str, OptionChain]) -> Facts:
    """Return what is recorded of a session, as metadata: counts, and what the newest chain says."""
    facts: Facts = {"instruments": ", ".join(task.instruments), "dagster/partition_row_count": 0}
    for name in task.instruments:
        snapshots = recorded_chains(bench.store, name, session.on)
        facts["dagster/partition_row_count"] += sum(each.rows for each in snapshots)
        own: Facts = {"snapshots": len({each.quoted_at for each in snapshots})}
        if session is task.sessions[-1] and name in fresh:
            own |= _described(bench, task, fresh[name])
        elif snapshots:
            own |= _stored(bench, task, name, snapshots)
        else:
            own["note"] = NOTHING_RECORDED
        facts |= {task.name(key, name): value for key, value in own.items()}
    facts["dagster/row_count"] = facts["dagster/partition_row_count"]
    return facts


def _stored(bench: Workbench, task: Task, name: str, snapshots: list[Snapshot]) -> Facts:
    """Return what the last recorded chain says, or why it says nothing."""
    try:
        chain = StoreMarket(bench.store).chain(name, snapshots[-1].quoted_at, min_minutes=0)
    except MissingDataError as error:
        return {"note": str(error)}
    return _described(bench, task, chain)


def _described(bench: Workbench, task: Task, chain: OptionChain) -> Facts:
    summary = summarise(chain, chain.at, bench.settings.risk_free_rate)
    numbers = {
        "pcr_oi": summary.pcr_oi,
        "pcr_volume": summary.pcr_volume,
        "max_pain": summary.max_pain,
        "atm_iv": summary.atm_iv,
        "expected_move": summary.expected_move,
        "forward": summary.forward,
        "two_sided_share": two_sided_share(chain),
    }
    now = bench.clock.now() if task.is_live else task.now
    return {
        "expiry": chain.expiry_at.astimezone(IST).date().isoformat(),
        "contracts": len(chain.quotes),
        "spot": float(chain.spot),
        "quoted_at": dg.MetadataValue.timestamp(chain.at),
        "age_seconds": max((now - chain.at).total_seconds(), 0.0),
        **{name: value for name, value in numbers.items() if value is not None},
        "preview": dg.MetadataValue.md(preview(chain)),
    }


def preview(chain: OptionChain) -> str:
    """Return the strikes around the money as a Markdown table, calls on the left and puts on the right, in rupees."""
    sides: dict[Decimal, dict[OptionType, OptionQuote]] = {}
    for quote in near_the_money(chain, _SHOWN_STRIKES):
        sides.setdefault(quote.contract.strike, {})[quote.contract.option_type] = quote
    lines = ["| call OI | bid | ask | strike | bid | ask | put OI |", "|" + "---:|" * 7]
    for strike in sorted(sides):
        call, put = sides[strike].get(OptionType.CE), sides[strike].get(OptionType.PE)
        cells = (_interest(call), *_prices(call), f"**{strike:,.0f}**", *_prices(put), _interest(put))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _prices(quote: OptionQuote | None) -> tuple[str, str]:
    if quote is None:
        return "", ""
    return f"{quote.bid:,.2f}" if quote.bid else "", f"{quote.ask:,.2f}" if quote.ask else ""


def _interest(quote: OptionQuote | None) -> str:
    return f"{quote.open_interest:,}" if quote is not None else ""
