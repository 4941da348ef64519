"""From an approved setup to the super order that is sent: identity, limits and deadlines."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from agents.domain.market import OptionContract, Session
from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.values import IST

FLAT_HOUR, FLAT_MINUTE = 15, 10
CLOSING_MARGIN = timedelta(minutes=20)
# A recording knows whole minutes only, so an entry waits for three candles instead of a minute of live quotes.
ENTRY_PATIENCE = timedelta(minutes=3)


def flat_at(session: Session) -> datetime:
    """Return when every position is sold: 15:10, or 20 minutes before derivatives close where that is earlier."""
    usual = session.open_at.astimezone(IST).replace(hour=FLAT_HOUR, minute=FLAT_MINUTE, second=0, microsecond=0)
    return min(usual, session.derivatives_close_at.astimezone(IST) - CLOSING_MARGIN)


def correlation_id(setup: TradeSetup, session: Session, earlier: Sequence[SuperOrder]) -> str:
    """Return our name of an order: ``A<yymmdd><setup><count>``, 19 letters and digits, never used twice."""
    count = 1 + sum(order.setup_id == setup.setup_id for order in earlier)
    return f"A{session.on:%y%m%d}{setup.setup_id}{count:02d}"


def super_order(
    setup: TradeSetup,
    contract: OptionContract,
    lots: int,
    *,
    now: datetime,
    session: Session,
    earlier: Sequence[SuperOrder],
) -> SuperOrder:
    """Return the planned order of a setup.

    Parameters
    ----------
    setup : TradeSetup
        What was approved.
    contract : OptionContract
        The setup's contract.
    lots : int
        Size, at least one.
    now : datetime
        Aware; the order is placed then and its entry waits for three minutes.
    session : Session
        Today's session; it decides when the position must be flat.
    earlier : sequence of SuperOrder
        Today's orders so far.

    Raises
    ------
    ValueError
        If `contract` is not the setup's, or there is nothing to buy.
    """
    if contract.instrument != setup.contract:
        raise ValueError(f"setup {setup.setup_id} is for {setup.contract}, not {contract.instrument}; plan it again")
    if lots < 1:
        raise ValueError(f"setup {setup.setup_id} has {lots} lots; an order needs at least one")
    return SuperOrder(
        correlation_id=correlation_id(setup, session, earlier),
        setup_id=setup.setup_id,
        zone_id=setup.zone_id,
        underlying=setup.instrument,
        contract=setup.contract,
        option_type=setup.option_type,
        lots=lots,
        lot_size=setup.lot_size,
        tick_size=contract.tick_size,
        entry_limit=setup.premium_entry,
        stop_trigger=setup.premium_stop,
        target_limit=setup.premium_target,
        half_spread=setup.half_spread,
        placed_at=now,
        cancel_entry_at=now + ENTRY_PATIENCE,
        flatten_at=flat_at(session),
    )
