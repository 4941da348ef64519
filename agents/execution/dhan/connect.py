"""Settings and an open account in, the gateway to its order endpoints out."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from agents.data.calendar import NseCalendar
from agents.data.dhan.attempts import CallReport
from agents.data.dhan.connect import Dhan
from agents.data.dhan.limiter import Limiter
from agents.data.preflight.broker import look_at_address
from agents.execution.dhan.contracts import ChainIds, Contracts
from agents.execution.dhan.gateway import DhanGateway
from agents.execution.dhan.line import READ_TIMEOUT, Line
from agents.execution.dhan.witness import Witness
from agents.ports import Breaker, Clock
from agents.settings import Settings

PATIENCE = 3.0


class GatewayParts(NamedTuple):
    """A gateway, with what else asks the same broker under the same limits."""

    gateway: DhanGateway
    contracts: Contracts
    limiter: Limiter
    witness: Witness


def open_gateway(
    settings: Settings,
    dhan: Dhan,
    clock: Clock,
    *,
    wall: Callable[[], datetime],
    sleep: Callable[[float], None],
    observe: Callable[[CallReport], None] | None = None,
    chain_id: ChainIds | None = None,
) -> DhanGateway:
    """Return the gateway of an account: the paper exchange's in paper mode, Dhan's own in live mode.

    Parameters
    ----------
    settings : Settings
        The limiter's file is in ``<home>/dhan``, shared with every process of the account.
    dhan : Dhan
        The account; its token serves here too, and each new one.
    clock : Clock
        The market's present: it says which day's master holds.
    wall : callable
        Returns the machine's present, aware.
    sleep : callable
        Waits that many seconds.
    observe : callable, optional
        Told of every request.
    chain_id : callable, optional
        Which id the option chain gives a contract.
    """
    return gateway_parts(settings, dhan, clock, wall=wall, sleep=sleep, observe=observe, chain_id=chain_id).gateway


def gateway_parts(
    settings: Settings,
    dhan: Dhan,
    clock: Clock,
    *,
    wall: Callable[[], datetime],
    sleep: Callable[[float], None],
    observe: Callable[[CallReport], None] | None = None,
    chain_id: ChainIds | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    breaker: Breaker | None = None,
) -> GatewayParts:
    """Return the gateway as `open_gateway` does, with its contracts, its limiter and its witness.

    `monotonic` returns seconds that only grow; `breaker` keeps entries away from a broker that keeps failing.
    """
    wire = dhan.reader.wire
    asker = wire.twin(READ_TIMEOUT)
    witness = Witness(wall, monotonic, lambda: look_at_address(asker, settings.static_ip))
    path = settings.home / "dhan" / "limits.sqlite"
    limiter = Limiter(path, wire.client_id, wall=lambda: wall().timestamp(), sleep=sleep, patience=PATIENCE)
    line = Line(wire, limiter, renew=dhan.keeper.replace_refused, observe=observe or dhan.counts, witness=witness)
    contracts = Contracts(dhan.masters, NseCalendar(), clock, chain_id)
    return GatewayParts(DhanGateway(line, contracts, breaker), contracts, limiter, witness)
