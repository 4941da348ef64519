"""Results as people and programs read them: the JSON of `zones`, and lines of text for a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agents.domain.values import IST, grouped

if TYPE_CHECKING:
    from agents.data.importer import ImportReport
    from agents.domain.cycle import CycleRecord
    from agents.domain.zones import Zone, ZoneAnalysis

Facts = dict[str, Any]  # Any: what JSON can hold


def ist(moment: datetime) -> str:
    """Return a moment in ISO 8601 with India's offset."""
    return moment.astimezone(IST).isoformat()


def number(price: Decimal | float) -> float | int:
    """Return rupees as a JSON number, whole ones without a fraction."""
    return int(price) if price == int(price) else float(price)


def zones_facts(instrument: str, at: datetime, analysis: "ZoneAnalysis | None") -> Facts:
    """Return the zones known at a moment as JSON: prices in rupees, times in IST; `bar` is the candle's close."""
    return {
        "instrument": instrument,
        "at": ist(at),
        "bar": ist(analysis.bar_at) if analysis else None,
        "zones": [_zone(zone) for zone in analysis.zones] if analysis else [],
    }


def _zone(zone: "Zone") -> Facts:
    verdict = zone.verdict
    return {
        "id": zone.id,
        "side": zone.side.value,
        "low": number(zone.low),
        "high": number(zone.high),
        "confidence": zone.confidence,
        "known_at": ist(zone.known_at),
        "components": [
            {"kind": part.kind.value, "id": part.id, "low": number(part.low), "high": number(part.high)}
            for part in zone.components
        ],
        "verdict": {
            "judge": verdict.judge,
            "verdict": verdict.verdict.value,
            "probability": verdict.probability,
            "reason": verdict.reason,
        }
        if verdict
        else None,
    }


def zones_text(facts: Facts) -> str:
    """Return zones as a table."""
    if facts["bar"] is None:
        return (
            f"no analysis of {facts['instrument']} is known at {facts['at']}; "
            "run `zonedesk materialize` over that session first"
        )
    rows = [
        (
            zone["side"],
            f"{zone['low']:,.2f}",
            f"{zone['high']:,.2f}",
            f"{zone['confidence']:.2f}",
            zone["known_at"][:16],
            ", ".join(part["kind"] for part in zone["components"]),
            _verdict_text(zone["verdict"]),
        )
        for zone in facts["zones"]
    ]
    header = ("side", "low", "high", "conf", "known at", "components", "verdict")
    return f"{facts['instrument']}, candle closed {facts['bar'][:16]}, {len(rows)} live zones\n{table(header, rows)}"


def _verdict_text(verdict: Mapping[str, Any] | None) -> str:  # Any: as in Facts
    return f"{verdict['verdict']} {verdict['probability']:.2f} ({verdict['judge']})" if verdict else "not judged"


def certificates_text(rows: Sequence[Mapping[str, Any]]) -> str:  # Any: as in Facts
    """Return certificates as a table."""
    header = ("detector", "prefixes", "findings", "rewritten")
    return table(
        header, [tuple(f"{row[name]:,}" if name != "detector" else row[name] for name in header) for row in rows]
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows under a header, columns aligned."""
    lines = [tuple(header), *[tuple(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def import_text(report: "ImportReport") -> str:
    """Return what an import did as lines of text."""
    if report.already_imported:
        return f"{report.file}: imported before, {report.rows_there:,} rows are there"
    head = (
        f"{report.file}: {report.rows_read:,} rows read, {report.rows_added:,} added, {report.rows_there:,} there, "
        f"{report.rows_dropped:,} dropped, {report.repairs:,} repairs, {report.seconds:.1f} s"
    )
    return "\n".join([head, *[f"    {rule}: {count:,}" for rule, count in sorted(report.issues.items())]])


def cycle_text(record: "CycleRecord") -> str:
    """Return one cycle as a line."""
    detail = record.detail or record.reason.value
    return f"{record.at.astimezone(IST):%H:%M}  {record.decision.value:<5}  {detail}"


def materialize_text(facts: Facts) -> str:
    """Return what a materialisation did as lines of text."""
    lines = [
        (
            f"{facts['sessions']} sessions of {', '.join(facts['instruments'])}, {facts['first']} to {facts['last']}, "
            f"in {facts['seconds']:.1f} s"
        )
    ]
    for asset, runs in facts["rows"].items():
        inserted, removed, kept = (
            sum(counts[name] for counts in runs.values())
            for name in ("rows_inserted", "rows_removed", "rows_unchanged")
        )
        lines.append(f"    {asset}: {inserted:,} rows added, {removed:,} replaced, {kept:,} unchanged")
    return "\n".join([*lines, *[f"    check failed: {text}" for text in facts["failed_checks"]]])


def replay_text(facts: Facts) -> str:
    """Return a replayed day's trades and result as lines of text; its cycles were told as they happened."""
    traded = [cycle for cycle in facts["cycles"] if cycle["decision"] == "trade"]
    header = ("contract", "lots", "in", "at", "out", "at", "why", "gross", "costs", "net")
    rows = [
        (
            trade["contract"],
            str(trade["lots"]),
            trade["entry_at"][11:16],
            f"{trade['entry']:.2f}",
            trade["exit_at"][11:16],
            f"{trade['exit']:.2f}",
            trade["exit_reason"],
            grouped(trade["gross"]),
            grouped(trade["costs"]),
            grouped(trade["net"]),
        )
        for trade in facts["trades"]
    ]
    summary = (
        f"{facts['instrument']} {facts['date']}: {len(facts['cycles'])} cycles, {len(traded)} orders, "
        f"{len(rows)} trades, net {grouped(facts['net'])} rupees"
    )
    return "\n".join([*([table(header, rows)] if rows else []), summary, f"digest {facts['digest']}"])
