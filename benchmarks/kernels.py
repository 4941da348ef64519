"""Measures every kernel against what a user would pick instead, on the same candles and in the same run.

``python benchmarks/kernels.py`` takes some minutes and writes ``benchmarks/results/kernels.json``;
``--quick`` measures only what has a target, and fails if a ratio is below half of it, for the machine may be busy.
"""

import argparse
import json
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

# Run as a file, Python looks for modules beside it and not in the project.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import parity
from benchmarks.cases import CASES, Case, Peer
from benchmarks.measure import (
    Market,
    bytes_of,
    copy_seconds,
    cpu_seconds,
    random_market,
    speed_up_of_two_threads,
)

RESULTS = Path(__file__).parent / "results" / "kernels.json"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
MAIN_SIZE = 100_000
PARITY_SIZE = 5_000
# What linear time means here: 1M candles against 100k, and one size against its half.
LARGEST_GROWTH = 1.5
LARGEST_DOUBLING = 2.2

Row = dict[str, Any]  # one measurement, as it is printed and stored


def measured(market: Market, case: Case, peer: Peer | None) -> Row:
    """Return ns per candle of a case, or of one of its peers."""
    prepare = case.prepare if peer is None else peer.prepare
    work = prepare(market)
    seconds = cpu_seconds(work)
    row: Row = {"kernel": case.name, "by": "ours" if peer is None else peer.name, "candles": market.length}
    row["ns"] = seconds / market.length * 1e9
    if peer is None and market.length >= MAIN_SIZE:
        # The columns read, and every byte of the answer written.
        moved = case.columns * 8 * market.length + bytes_of(work())
        row["memory_share"] = copy_seconds(moved) / seconds
    return row


def compare(case: Case, markets: dict[int, Market], *, quick: bool) -> Iterator[Row]:
    """Yield the measurements of a case and of its peers, each peer with its ratio to ours on the same candles."""
    own: dict[int, Row] = {}
    for n, market in markets.items():
        own[n] = measured(market, case, None)
        yield own[n]
    for peer in case.peers:
        if quick and peer.target is None:
            continue
        sizes = [n for n in markets if n <= peer.largest]
        # The target stands at the main size, or at the largest that the peer can do.
        judged = max(n for n in sizes if n <= MAIN_SIZE)
        for n in [judged] if quick else sizes:
            row = measured(markets[n], case, peer)
            row["ratio"] = row["ns"] / own[n]["ns"]
            if n == judged and peer.target is not None:
                row["target"] = peer.target
            yield row


def growth(case: Case, markets: dict[int, Market]) -> Row:
    """Return how time grows with the candles, and what two threads gain."""
    doublings = []
    for n in (25_000, 50_000, 100_000):
        half, whole = (case.prepare(cut(markets[MAIN_SIZE], size)) for size in (n // 2, n))
        doublings.append(cpu_seconds(whole) / cpu_seconds(half))
    left, right = case.prepare(random_market(MAIN_SIZE, 1)), case.prepare(random_market(MAIN_SIZE, 2))
    return {"kernel": case.name, "doubling": max(doublings), "two_threads": speed_up_of_two_threads(left, right)}


def cut(market: Market, n: int) -> Market:
    """Return the first `n` candles."""
    columns = (market.open, market.high, market.low, market.close, market.volume)
    return Market(*(column[:n] for column in columns))


def line(row: Row) -> str:
    """Return a measurement as a line of the table."""
    ratio = f"{row['ratio']:>10,.1f}x" if "ratio" in row else " " * 11
    target = f"{row['target']:>8,.0f}x" if "target" in row else " " * 9
    share = f"{row['memory_share']:>8.0%}" if "memory_share" in row else " " * 8
    return f"{row['kernel']:<28}{row['by']:<27}{row['candles']:>10,}{row['ns']:>14,.1f}{ratio}{target}{share}"


def verdicts(rows: list[Row], grown: list[Row]) -> Iterator[Row]:
    """Yield each target with what was measured: ratios, ns per candle, growth."""
    for row in rows:
        if "target" in row:
            name = f"{row['kernel']}: times faster than {row['by']} at {row['candles']:,}"
            yield {
                "name": name,
                "target": row["target"],
                "measured": row["ratio"],
                "held": row["ratio"] >= row["target"],
            }
    for case in CASES:
        own = {row["candles"]: row for row in rows if row["kernel"] == case.name and row["by"] == "ours"}
        if case.target_ns is not None:
            ns = own[MAIN_SIZE]["ns"]
            yield {"name": f"{case.name}: ns", "target": case.target_ns, "measured": ns, "held": ns <= case.target_ns}
        if SIZES[-1] in own:
            rise = own[SIZES[-1]]["ns"] / own[MAIN_SIZE]["ns"]
            name = f"{case.name}: ns at 1M over ns at 100k"
            yield {"name": name, "target": LARGEST_GROWTH, "measured": rise, "held": rise <= LARGEST_GROWTH}
            if case.target_share is not None:
                share = own[SIZES[-1]]["memory_share"]
                name, held = f"{case.name}: share of the memory bound at 1M", share >= case.target_share
                yield {"name": name, "target": case.target_share, "measured": share, "held": held}
    for row in grown:
        held = row["doubling"] <= LARGEST_DOUBLING
        name = f"{row['kernel']}: time for twice the candles"
        yield {"name": name, "target": LARGEST_DOUBLING, "measured": row["doubling"], "held": held}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, store; return 1 if a ratio is below half of its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what has a target, at 100,000 candles at most")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the results")
    parser.add_argument("--only", default="", help="only kernels whose name contains this")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", category=FutureWarning)  # the peers' own, of pandas

    small = random_market(PARITY_SIZE)
    for check in parity.CHECKS:
        print(f"parity: {check(small)}")
    sizes = (1_000, 10_000, MAIN_SIZE) if options.quick else SIZES
    markets = {n: random_market(n) for n in sizes}
    cases = [case for case in CASES if options.only in case.name]
    print(f"\n{'kernel':<28}{'by':<27}{'candles':>10}{'ns/candle':>14}{'ratio':>11}{'target':>9}{'memory':>8}")
    rows: list[Row] = []
    for case in cases:
        for row in compare(case, markets, quick=options.quick):
            rows.append(row)
            print(line(row), flush=True)
    grown = [] if options.quick else [growth(case, markets) for case in cases]
    for row in grown:
        print(f"{row['kernel']:<28} twice the candles {row['doubling']:.2f}x  two threads {row['two_threads']:.2f}x")
    judged = [verdict for verdict in verdicts(rows, grown) if options.only in verdict["name"]]
    print()
    for verdict in judged:
        print(f"{'held  ' if verdict['held'] else 'MISSED'} {verdict['name']}: {verdict['measured']:,.2f}"
              f" (target {verdict['target']:,})")  # fmt: skip
    machine = {"machine": platform.machine(), "cpus": os.cpu_count(), "python": platform.python_version()}
    machine["numpy"] = np.__version__
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({**machine, "rows": rows, "growth": grown, "targets": judged}, indent=1) + "\n")
    failed = [row for row in rows if "target" in row and row["ratio"] < row["target"] / 2]
    for row in failed:
        print(f"below half of its target: {row['kernel']} against {row['by']}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
