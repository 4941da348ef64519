"""The command that holds what judges said against what came."""

from typing import TYPE_CHECKING, Any

from zonedesk.shell import DataDir, Debug, Json, Mode, Shell, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.llm.calibration import Calibration, Judged
    from zonedesk.outcomes import Resolved

NOTHING = "no setup that was judged has ended yet"


def calibration(*, as_json: Json = False, data_dir: DataDir = None, mode: Mode = None, debug: Debug = False) -> None:
    """Show what each judge said of setups against what became of them, the refused ones too."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.bootstrap import open_store  # noqa: PLC0415  (start-up)
        from agents.data.calendar import NseCalendar  # noqa: PLC0415  (start-up)
        from agents.data.clock import market_clock  # noqa: PLC0415  (start-up)
        from agents.data.market import StoreMarket  # noqa: PLC0415  (start-up)
        from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)
        from zonedesk.outcomes import judged, resolve  # noqa: PLC0415  (start-up)
        from zonedesk.shell import wall_now  # noqa: PLC0415  (start-up)

        settings = settings_of(data_dir, mode, default="paper")
        log, calendar = existing_ledger(settings), NseCalendar()
        market = StoreMarket(open_store(settings, now=wall_now, create=False))
        now = market_clock(settings, calendar).now()
        done = resolve(log, market, calendar, now, settings.brokerage_rupees)
        found, least = _calibrations(judged(log)), settings.calibration_outcomes
        shell.result(_facts(found, done, least), "\n\n".join([_text(each, least) for each in found] or [NOTHING]))
        if done.without_candles:
            shell.note(f"{done.without_candles} setups have no outcome, because candles of their contracts are missing")


def _calibrations(judged: "Sequence[Judged]") -> "list[Calibration]":
    from itertools import groupby  # noqa: PLC0415  (start-up)

    import numpy as np  # noqa: PLC0415  (start-up)

    from agents.llm.calibration import SEED, calibrate  # noqa: PLC0415  (start-up)

    def who(each: "Judged") -> tuple[str, str]:
        return each.judge, each.prompt_sha

    groups = [list(group) for _, group in groupby(sorted(judged, key=who), key=who)]
    return [
        calibrate(group, np.random.default_rng(SEED)) for group in groups if any(each.won is not None for each in group)
    ]


def _facts(found: "Sequence[Calibration]", done: "Resolved", least: int) -> dict[str, Any]:  # Any: what JSON can hold
    from dataclasses import asdict  # noqa: PLC0415  (start-up)

    judges = [
        asdict(each)
        | {
            "bins": [row._asdict() for row in each.bins],
            "may_gate": each.may_gate(least),
            "sentence": each.sentence(least),
        }
        for each in found
    ]
    return {"resolved": done.fresh, "without_candles": done.without_candles, "needed": least, "judges": judges}


def _text(found: "Calibration", least: int) -> str:
    from zonedesk.views import table  # noqa: PLC0415  (start-up)

    def share(value: float | None) -> str:
        return "none" if value is None else f"{value:.2f}"

    rows = [
        (str(row.setups), f"{row.said:.2f}", f"{row.won:.2f}", f"{row.low:.2f} to {row.high:.2f}") for row in found.bins
    ]
    scores = [
        ("what it said", found.brier),
        ("no model: the baseline", found.brier_baseline),
        ("the share won so far", found.brier_base_rate),
        (f"corrected, {found.corrected_count} setups", found.brier_corrected),
    ]
    head = f"{found.judge}, prompt {found.prompt_sha}: {found.count} outcomes, {found.not_filled} never filled"
    taken, refused = share(found.won_taken), share(found.won_refused)
    wins = f"won: {share(found.won)} of all, {taken} of those taken, {refused} of those refused"
    slope = f"slope of the correction {found.platt.slope:.2f}, between {found.slope_low:.2f} and {found.slope_high:.2f}"
    marks = table(("Brier score", ""), [(name, "none yet" if x is None else f"{x:.4f}") for name, x in scores])
    bins = table(("setups", "said", "won", "95 % interval"), rows)
    return "\n".join([head, bins, wins, marks, f"{slope}; 1 would be right, 0 worthless", found.sentence(least)])
