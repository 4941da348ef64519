"""A guardian that can be doomed at its moments; run as ``python -m tests.integration.guarded FOLDER PORT``.

Its moments are ``before NAME`` and ``after NAME``: NAME is a call of the gateway (``place_super``), or what an event in
the journal says (``intent``, ``protected``, ``answer``).
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agents.domain.cycle import Veto
from agents.execution.guardian.ports import ANSWER, ORDER_EVENT, GuardianPorts
from agents.execution.guardian.settings import GuardianSettings
from agents.settings import Settings
from tests.integration.doom import Doom
from zonedesk.guardian import run_guardian


class DoomedGateway:
    def __init__(self, gateway: Any, doom: Doom) -> None:
        self._gateway = gateway
        self._doom = doom

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._doom.around(name, getattr(self._gateway, name))


class DoomedJournal:
    def __init__(self, journal: Any, doom: Doom) -> None:
        self._journal = journal
        self._doom = doom

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> Any:
        name = {ORDER_EVENT: str(payload.get("state")), ANSWER: "answer"}.get(kind, kind)
        write = self._doom.around(name, self._journal.append)
        return write(kind, payload, key=key, at=at)

    def events(self, kind: str | None = None, *, after: int = 0) -> Any:
        return self._journal.events(kind, after=after)


class NoRules:
    """The desk's risk rules are tested elsewhere; here many trades in a row are wanted."""

    def vetoes(self, request: object, standing: object, now: datetime) -> Sequence[Veto]:  # noqa: ARG002 - the port's
        return ()


def quick(settings: GuardianSettings) -> GuardianSettings:
    """Settings for a test: no pause after a start, and a shorter grace, which the exchange on this machine allows."""
    patient = timedelta(minutes=10)  # of the market: a guardian may start or answer late on a busy machine
    return replace(
        settings, start_block=0.0, grace=2.0, query_every=0.5, orders_per_day=1_000, request_good_for=patient
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(folder: str, port: str) -> None:
    doom = Doom(Path(folder), "guardian")

    def wrap(ports: GuardianPorts) -> GuardianPorts:
        return replace(ports, gateway=DoomedGateway(ports.gateway, doom), journal=DoomedJournal(ports.journal, doom))

    settings = Settings(mode="paper", data_dir=Path(folder), exchange_port=int(port), ops_port=0)
    run_guardian(settings, say, checks=NoRules(), tune=quick, wrap=wrap)


if __name__ == "__main__":
    main(*sys.argv[1:])
