"""The parts of `dashboard`: each measures one thing, and adds lines to the table."""

import asyncio
import os
import statistics
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from benchmarks import browsing, visitors
from benchmarks.dashboard_table import Json, Run, restart
from benchmarks.usage import Waited, cpu_seconds, memory_of, slope, watch_queue

VISITORS = 20
WARM_VISITS = 7
REPEATS = 25
SESSIONS_WANTED = 20
WARM_MS, COLD_MS = 1500.0, 4000.0
REFRESH_MS = 40.0
CORE_SHARE = 0.5
STREAM_BYTES = 2000.0
FLAT_MB = 10.0  # in half an hour, on the line through what was seen after the warm-up
WARM_UP_SHARE = 1 / 3
WAIT_RATIO = 1.2
WAIT_SLACK = 0.002  # seconds: what the watcher of the queue may be wrong by
SAMPLE_SECONDS = 5.0
TURNS = 3


def first(run: Run) -> None:
    """Count what a page shows that is opened now."""
    shown = asyncio.run(visitors.first_look(run.address))
    run.figures["first"] = asdict(shown)
    text = f"{shown.sessions} sessions of candles, {shown.zones} zones, {shown.profile_rows} rows of profile"
    full = shown.sessions >= SESSIONS_WANTED and min(shown.zones, shown.profile_rows, shown.decisions) > 0
    run.note("first look", f"{text}, {shown.decisions} decisions", f"at least {SESSIONS_WANTED}, and some", holds=full)


def fragments(run: Run) -> None:
    """Time each fragment of the cockpit on the wire, one at a time."""
    found = asyncio.run(visitors.fragments(run.address, REPEATS))
    run.figures["fragments"] = [
        {"elements": name, "every_seconds": pace, "p50_ms": statistics.median(seconds) * 1000}
        for name, pace, seconds in found
    ]
    for name, pace, seconds in found:
        run.note(f"  fragment: {name}"[:44], f"{statistics.median(seconds) * 1000:.0f} ms every {pace:g} s")
    every = [each for _, _, seconds in found for each in seconds]
    p50 = statistics.median(every) * 1000
    run.note("refresh of a fragment, p50", f"{p50:.0f} ms", f"under {REFRESH_MS:.0f} ms", holds=p50 < REFRESH_MS)


def paint(run: Run) -> None:
    """Time the first paint, cold and warm, and the fragments as a browser sees them."""
    if run.restarts:
        restart(run)
    with browsing.profile() as context:
        cold = browsing.paint(context, run.address)
        warm = [browsing.paint(context, run.address) for _ in range(WARM_VISITS)]
        seen = browsing.fragments_seen(context, run.address, run.seconds / 2)
    middle, p50 = browsing.median(warm), statistics.median(seen) * 1000
    run.figures["paint"] = {
        "cold_ms": cold.painted,
        "cold_bytes": cold.bytes,
        "warm_ms": [each.painted for each in warm],
        "warm_strip_ms": [each.strip for each in warm],
        "warm_busy_ms": [each.busy for each in warm],
        "browser_refresh_ms": p50,
        "waterfall": middle.entries,
    }
    after = "the server's start" if run.restarts else "a new profile"
    label = f"first paint, cold (after {after})"
    run.note(label, f"{cold.painted:.0f} ms", f"under {COLD_MS:.0f} ms", holds=cold.painted < COLD_MS)
    spread = f"{min(each.painted for each in warm):.0f} to {max(each.painted for each in warm):.0f}"
    found = f"{middle.painted:.0f} ms ({spread}), main thread busy for {middle.busy:.0f}"
    run.note("first paint, warm", found, f"under {WARM_MS:.0f} ms", holds=middle.painted < WARM_MS)
    run.note("refresh as a browser sees it, p50", f"{p50:.0f} ms", f"under {REFRESH_MS:.0f} ms", holds=p50 < REFRESH_MS)


def crowds(run: Run) -> None:
    """Weigh no, one and twenty visitors by the dashboard's processor time."""
    shares: dict[int, float] = {}
    for count in (0, 1, VISITORS):
        share, visits = _weighed(run, count)
        shares[count] = share
        run.figures[f"visitors_{count}"] = _crowd_figures(share, visits, run.seconds)
        if visits:
            p50 = visitors.middle(visits) * 1000
            told = sum(len(each.seconds) for each in visits) / run.seconds
            asked = sum(each.asked for each in visits) / run.seconds
            text = f"{share:.1%} of a core, {told:.1f} of {asked:.1f} refreshes a second, p50 {p50:.0f} ms"
        else:
            text = f"{share:.1%} of a core"
        wanted = f"under {CORE_SHARE:.0%}" if count == VISITORS else ""
        name = "visitor" if count == 1 else "visitors"
        run.note(f"{count} {name}", text, wanted, holds=share < CORE_SHARE if wanted else None)
        if count == VISITORS:
            _note_stream(run, visits)
    page = (shares[VISITORS] - shares[0]) / VISITORS
    run.note("one more page", f"{page:.2%} of a core")


def _weighed(run: Run, count: int) -> tuple[float, list[visitors.Visit]]:
    """Return the share of a core that the dashboard uses while visitors stay, and what they saw."""
    pid, marks = run.pid, []

    async def stay() -> list[visitors.Visit]:
        marks.append((time.perf_counter(), cpu_seconds(pid)))
        if count:
            return await visitors.crowd(run.address, count, run.seconds, arrived=lambda: mark(marks, pid))
        await asyncio.sleep(run.seconds)
        return []

    visits = asyncio.run(stay())
    (began, before), (ended, after) = marks[-1], (time.perf_counter(), cpu_seconds(pid))
    return (after - before) / (ended - began), visits


def mark(marks: list[tuple[float, float]], pid: int) -> None:
    """Write down the moment and the processor time used so far."""
    marks.append((time.perf_counter(), cpu_seconds(pid)))


def _crowd_figures(share: float, visits: list[visitors.Visit], seconds: float) -> Json:
    return {
        "core_share": share,
        "refreshes_a_second": sum(len(each.seconds) for each in visits) / seconds,
        "page_bytes_a_second_each": statistics.mean([each.page_bytes / seconds for each in visits] or [0.0]),
        "stream_bytes_a_second_each": statistics.mean([each.stream_bytes / seconds for each in visits] or [0.0]),
        "faults": [fault for each in visits for fault in each.faults],
    }


def _note_stream(run: Run, visits: list[visitors.Visit]) -> None:
    rate = max(each.stream_bytes for each in visits) / run.seconds
    run.note(
        "chart stream", f"{rate / 1000:.2f} kB/s", f"under {STREAM_BYTES / 1000:.0f} kB/s", holds=rate < STREAM_BYTES
    )
    page = statistics.mean(each.page_bytes for each in visits) / run.seconds
    faults = [fault for each in visits for fault in each.faults]
    run.note("fragments' bytes, each visitor", f"{page / 1000:.1f} kB/s")
    if faults:
        run.note("faults of visitors", f"{len(faults)}, first {faults[0]}", "none", holds=False)


def store(run: Run) -> None:
    """Watch how long the other processes wait for the store, in turns with no visitor and with twenty."""
    waits: dict[int, list[Waited]] = {0: [], VISITORS: []}
    folder = run.settings.store_path.with_name(run.settings.store_path.name + ".queue")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for count in (0, VISITORS) * TURNS:
            waits[count] += asyncio.run(_watched(run, pool, folder, count))
    _note_waits(run, waits)


def _note_waits(run: Run, waits: dict[int, list[Waited]]) -> None:
    mine = {run.pid, os.getpid()}
    own = {count: _wait_figures([each for each in found if each.pid == run.pid]) for count, found in waits.items()}
    others = {count: [each for each in found if each.pid not in mine] for count, found in waits.items()}
    figures = {count: _wait_figures(found) for count, found in others.items()}
    run.figures["store"] = {str(count): each for count, each in figures.items()}
    for count, each in figures.items():
        text = f"mean {each['mean_ms']:.1f} ms, p95 {each['p95_ms']:.1f} ms of {each['visits']} visits"
        run.note(f"store waits of the others, {count} visitors", text)
    visits = {count: each["visits"] / (TURNS * run.seconds) for count, each in own.items()}
    text = f"{visits[0]:.1f} a second of {own[0]['inside_ms']:.0f} ms, {visits[VISITORS]:.1f} of"
    run.note(f"visits of the dashboard, 0 and {VISITORS}", f"{text} {own[VISITORS]['inside_ms']:.0f} ms")
    run.figures["store"]["dashboard"] = {str(count): each for count, each in own.items()}
    alone, busy = figures[0], figures[VISITORS]
    longer = (busy["mean_ms"] - alone["mean_ms"]) / 1000
    ratio = busy["mean_ms"] / alone["mean_ms"] if alone["mean_ms"] else 1.0
    holds = ratio < WAIT_RATIO or longer < WAIT_SLACK
    run.note(
        "store waits with visitors / without",
        f"{ratio:.2f}",
        f"under {WAIT_RATIO} or {WAIT_SLACK * 1000:.0f} ms",
        holds=holds,
    )


async def _watched(run: Run, pool: ProcessPoolExecutor, folder: Path, count: int) -> list[Waited]:
    loop = asyncio.get_running_loop()
    found: list[asyncio.Future[list[Waited]]] = []

    def begin() -> None:
        found.append(loop.run_in_executor(pool, watch_queue, folder, run.seconds))

    if count:
        await visitors.crowd(run.address, count, run.seconds, arrived=begin)
    else:
        begin()
    return await found[0]


def _wait_figures(found: list[Waited]) -> dict[str, float]:
    waits = sorted(each.wait * 1000 for each in found) or [0.0]
    return {
        "visits": len(found),
        "mean_ms": statistics.mean(waits),
        "p95_ms": waits[round(0.95 * (len(waits) - 1))],
        "worst_ms": waits[-1],
        "inside_ms": statistics.mean([each.inside * 1000 for each in found] or [0.0]),
    }


def memory(run: Run) -> None:
    """Watch the memory of the dashboard, and of a page, while visitors stay."""
    pid, seconds = run.pid, run.minutes * 60
    crowd = threading.Thread(target=lambda: asyncio.run(visitors.crowd(run.address, VISITORS, seconds)), daemon=True)
    seen: list[tuple[float, float, float]] = []
    pages: list[tuple[float, browsing.Kept]] = []
    with browsing.profile() as context, browsing.left_open(context, run.address) as (page, talk):
        crowd.start()
        began = time.perf_counter()
        while (now := time.perf_counter() - began) < seconds:
            used = memory_of(pid)
            seen.append((now, used.rss, used.pss))
            pages.append((now, browsing.kept(talk)))
            browsing.wait(page, SAMPLE_SECONDS)
    crowd.join(visitors.PATIENCE_SECONDS)
    _note_memory(run, seen, pages)


def _note_memory(run: Run, seen: list[tuple[float, float, float]], pages: list[tuple[float, browsing.Kept]]) -> None:
    begin = run.minutes * 60 * WARM_UP_SHARE
    late = [each for each in seen if each[0] >= begin]
    later = [each for each in pages if each[0] >= begin]
    moments = [each[0] for each in late]
    grows = {"rss": slope(moments, [each[1] for each in late]), "pss": slope(moments, [each[2] for each in late])}
    heaps = slope([each[0] for each in later], [each[1].heap for each in later])
    nodes = slope([each[0] for each in later], [float(each[1].nodes) for each in later])
    run.figures["memory"] = {
        "minutes": run.minutes,
        "server_mb": seen,
        "mb_a_minute": grows,
        "page": [(moment, asdict(each)) for moment, each in pages],
        "page_heap_mb_a_minute": heaps,
        "page_nodes_a_minute": nodes,
    }
    span = f"{seen[0][1]:.0f} to {seen[-1][1]:.0f} MB in {run.minutes:g} minutes, {grows['rss']:+.2f} a minute"
    wanted = f"under {FLAT_MB:.0f} MB in 30 minutes"
    run.note(f"memory with {VISITORS} visitors (RSS)", span, wanted, holds=grows["rss"] * 30 < FLAT_MB)
    start, end = later[0][1], later[-1][1]
    text = f"{start.heap:.1f} to {end.heap:.1f} MB, {start.nodes} to {end.nodes} nodes, {heaps:+.3f} MB a minute"
    run.note("heap of a page", text, wanted, holds=heaps * 30 < FLAT_MB)
