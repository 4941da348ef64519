"""Measure the way of an order from the request in the ledger to the wire, and print one table.

Run it with ``python -m benchmarks.orders --trades 50``.

The exchange and the guardian are processes of their own; this one asks for trades, one after the other, that rest far
below the market, and takes each back. The clock is the machine's, the same for all processes. "Total" runs from before
the request is written until the POST begins; "broker" is the part of it spent waiting for the exchange to answer the
reads that the guardian makes before it sends; what remains is our own time. The load of the machine stands beside it.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agents.data.dhan import http
from agents.domain.lifecycle import TradeState
from agents.execution.guardian.ports import GuardianPorts
from agents.settings import Settings
from tests.integration.guarded import NoRules, quick, say
from tests.integration.guardians import Desk, until
from zonedesk.guardian import run_guardian

SETTLE_SECONDS = 1.2  # between trades: the guardian sends two requests in a second at most
SHARES = (50, 90, 99, 100)


class Stopwatch:
    """In the guardian's process: notes when each POST begins, and how long the broker was waited for before it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._waits: list[tuple[float, float]] = []
        send = http.Recorder.send

        def timed(recorder: http.Recorder, *args: Any, **named: Any) -> Any:  # Any: requests'
            began = time.monotonic()
            try:
                return send(recorder, *args, **named)
            finally:
                self._waits.append((began, time.monotonic()))

        http.Recorder.send = timed  # type: ignore[method-assign, assignment]  # where every request passes, whatever it is

    def around(self, gateway: Any) -> Any:  # Any: a gateway with one call changed
        """Return the gateway with its POST noted."""
        stopwatch, place = self, gateway.place_super

        class Timed:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                return getattr(gateway, name)  # type: ignore[no-any-return]  # as above

            def place_super(self, order: Any) -> Any:
                stopwatch.sent(order.setup_id)
                return place(order)

        return Timed()

    def sent(self, setup_id: str) -> None:
        """Note that a POST begins now."""
        now = time.monotonic()
        recent, self._waits = [wait for wait in self._waits if now - wait[1] < 5.0], []
        self._file.write(json.dumps({"setup_id": setup_id, "at": now, "waits": recent}) + "\n")


def guard(folder: Path, port: int, notes: Path) -> None:
    """Be the guardian."""
    stopwatch = Stopwatch(notes)

    def wrap(ports: GuardianPorts) -> GuardianPorts:
        return replace(ports, gateway=stopwatch.around(ports.gateway))

    settings = Settings(mode="paper", data_dir=folder, exchange_port=port, ops_port=0)
    run_guardian(settings, say, checks=NoRules(), tune=quick, wrap=wrap)


def measure(trades: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return total, broker's and answer times of so many trades, in milliseconds."""
    totals, brokers, answers = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes.jsonl"
        desk = Desk(Path(folder))
        try:
            desk.start_exchange()
            desk.guardian.start("benchmarks.orders", "--guard", folder, str(desk.port), str(notes))
            until(lambda: _reconciled(desk), 60, desk.guardian)
            for _ in range(trades):
                request = desk.request(passive=True)
                time.sleep(SETTLE_SECONDS)
                request = request.model_copy(update={"asked_at": desk.clock.now()})
                began = time.monotonic()
                answer = desk.agent.place_bracket_order(request)
                answers.append(time.monotonic() - began)
                if answer.outcome != "placed":
                    sys.exit(f"the guardian did not place it: {answer}")
                note = json.loads(notes.read_text(encoding="utf-8").splitlines()[-1])
                totals.append(note["at"] - began)
                brokers.append(sum(end - max(start, began) for start, end in note["waits"] if end > began))
                desk.agent.cancel_order(request.setup.setup_id, by="benchmark")
                until(partial(_is_cancelled, desk, request.setup.setup_id), 30, desk.guardian)
        finally:
            desk.guardian.kill()
            desk.exchange.kill()
            desk.ledger.close()
    return np.array(totals) * 1e3, np.array(brokers) * 1e3, np.array(answers) * 1e3


def _is_cancelled(desk: Desk, setup_id: str) -> bool:
    return desk.state(setup_id) is TradeState.CANCELLED


def _reconciled(desk: Desk) -> bool:
    beat = desk.ledger.heartbeats.last("guardian")
    return beat is not None and bool(beat.facts.get("reconciled"))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=50)
    parser.add_argument("--guard", nargs=3, metavar=("FOLDER", "PORT", "NOTES"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.guard:
        guard(Path(asked.guard[0]), int(asked.guard[1]), Path(asked.guard[2]))
        return
    before = os.getloadavg()[0]
    total, broker, answer = measure(asked.trades)
    rows = {"own": total - broker, "broker": broker, "total": total, "to the answer": answer}
    say(f"{asked.trades} trades, {os.cpu_count()} cores, load {before:.1f} before and {os.getloadavg()[0]:.1f} after")
    say(f"{'milliseconds':16}" + "".join(f"{f'p{share}':>9}" for share in SHARES))
    for name, values in rows.items():
        say(f"{name:16}" + "".join(f"{np.percentile(values, share):9.1f}" for share in SHARES))


if __name__ == "__main__":
    main()
