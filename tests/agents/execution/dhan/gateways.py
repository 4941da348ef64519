"""A gateway on a running paper exchange, and orders around the money for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from agents.data.contracts import expiry_at
from agents.data.dhan.connect import Dhan, open_dhan
from agents.data.dhan.master import Listing
from agents.data.dhan.quotes import fetch_quotes
from agents.data.names import contract_name
from agents.domain.market import Quote
from agents.domain.orders import SuperOrder
from agents.domain.values import IST, OptionType
from agents.execution.dhan.connect import open_gateway
from agents.execution.dhan.contracts import ChainIds
from agents.execution.dhan.gateway import DhanGateway
from agents.settings import Settings
from tests.agents.data.dhan.venues import Venue

TICK = Decimal("0.05")


def wall() -> datetime:
    return datetime.now(UTC)


@dataclass
class Account:
    """An open account on an exchange."""

    venue: Venue
    settings: Settings
    dhan: Dhan
    gateway: DhanGateway
    made: int = 0

    @classmethod
    def open(cls, venue: Venue, folder: Path) -> "Account":
        settings = Settings(mode="paper", data_dir=folder, exchange_port=venue.port)
        venue.seed_token(settings)
        dhan = open_dhan(settings, wall=wall, sleep=time.sleep, jitter=lambda: 0.0)
        gateway = open_gateway(settings, dhan, venue, wall=wall, sleep=time.sleep)
        return cls(venue, settings, dhan, gateway)

    def with_chain(self, chain_id: ChainIds) -> DhanGateway:
        """Return another gateway to the account, with a chain that gives ids of its own."""
        return open_gateway(self.settings, self.dhan, self.venue, wall=wall, sleep=time.sleep, chain_id=chain_id)

    def contract(self, offset: int = 0) -> str:
        """Return the call nearest to the money of the next expiry that is a day away."""
        now = self.venue.now()
        master = self.dhan.masters.of(now.astimezone(IST).date())
        expiry = next(on for on in master.expiries("NIFTY") if expiry_at(on) - now > timedelta(days=1))
        spot = self.quote("NIFTY").ltp
        calls = [one for one in master.listings if one.expiry_on == expiry and one.option_type is OptionType.CE]
        strikes = sorted(one.strike for one in calls if one.strike is not None)
        near = min(range(len(strikes)), key=lambda place: abs(strikes[place] - spot))
        return contract_name("NIFTY", expiry, strikes[near + offset], OptionType.CE)

    def quote(self, name: str) -> Quote:
        now = self.venue.now()
        master = self.dhan.masters.of(now.astimezone(IST).date())
        listing = master.index(name) if name == "NIFTY" else self.listing(name)
        return fetch_quotes(self.dhan.reader, {name: listing}, now)[name]

    def listing(self, name: str) -> Listing:
        return self.gateway._contracts.listing(name)

    def order(self, contract: str = "", *, passive: bool = False, lots: int = 1, **update: object) -> SuperOrder:
        """Return a super order that buys at once, or one far below the market that rests."""
        contract = contract or self.contract()
        quote, now = self.quote(contract), self.venue.now()
        assert quote.ask is not None
        entry = on_tick(quote.ask * Decimal("0.8")) if passive else on_tick(quote.ask * Decimal("1.02"))
        self.made += 1
        base = SuperOrder(
            correlation_id=f"A261119setup{self.made:05d}01",
            setup_id=f"setup{self.made:05d}",
            zone_id="zone",
            underlying="NIFTY",
            contract=contract,
            option_type=OptionType.CE,
            lots=lots,
            lot_size=65,
            tick_size=TICK,
            entry_limit=entry,
            stop_trigger=on_tick(entry * Decimal("0.75")),
            target_limit=on_tick(entry * Decimal("1.3")),
            half_spread=TICK,
            placed_at=now,
            cancel_entry_at=now + timedelta(minutes=3),
            flatten_at=now.astimezone(IST).replace(hour=15, minute=10),
        )
        return base.model_copy(update=update)


def eventually(what: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not within {seconds:.0f} s"
        time.sleep(0.05)


def on_tick(price: Decimal) -> Decimal:
    return (price / TICK).to_integral_value() * TICK
