"""What of the exchange is written down, record by record, and how it is read back.

A record's mark is everything in it that can change: while the mark is the same, so is the body. Of a token only the
claims are written, since the exchange's own key makes the token of them again; no PIN and no secret is written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from exchange.accounts import Accounts, IpFlag, MintedBy
from exchange.clock import Millis
from exchange.ledgerbook import Adjustment, Ledger, Position, Trade
from exchange.ledgers import Ledgers
from exchange.orderbook import OrderBook
from exchange.orders import Leg, Order
from exchange.safeguards import PnlExit, Safeguards
from exchange.services import Timeline
from exchange.superorders import SuperOrder, Terms

NUMBERS_A_DAY: Final = 1_000_000


class Record(NamedTuple):
    """Key and place of a record, its mark, and what makes its body."""

    key: str
    place: int
    mark: object
    body: Callable[[], bytes]


@dataclass(frozen=True)
class ClientBody:
    """A client as written; the token by what it says."""

    name: str
    opening_balance: int
    data_plan: bool
    needs_ip: bool
    ips: dict[IpFlag, str]
    ips_changed: dict[IpFlag, Millis]
    token_in_force: bool
    token_made: Millis
    token_ends: Millis
    tokens_minted: int
    minted_by: MintedBy
    generated_at: Millis | None


@dataclass(frozen=True)
class SuperBody:
    """A super order as written, under the id of its entry; its exits by theirs."""

    terms: Terms
    exits: dict[Leg, str]
    cancelled: list[Leg]
    reference: int


@dataclass(frozen=True)
class LedgerBody:
    """A ledger as written, without its lines; the first `filed` trades are of earlier days."""

    cash: int
    opening: int
    filed: int


@dataclass(frozen=True)
class GuardBody:
    """What guards a client."""

    killed: bool
    pnl_exit: PnlExit | None


@dataclass(frozen=True)
class TaskBody:
    """A planned step and when it is due."""

    at: Millis
    name: str
    about: str
    detail: tuple[int | str, ...]


@dataclass(frozen=True)
class ClockBody:
    """How far everything has been settled, how far the clock may have come since, and whose draws these are."""

    settled: Millis
    until: Millis
    seed: int


CLOCK = TypeAdapter(ClockBody)
CLIENT = TypeAdapter(ClientBody)
ORDER = TypeAdapter(Order)
SUPER = TypeAdapter(SuperBody)
LEDGER = TypeAdapter(LedgerBody)
POSITION = TypeAdapter(Position)
TRADE = TypeAdapter(Trade)
ADJUSTMENT = TypeAdapter(Adjustment)
GUARD = TypeAdapter(GuardBody)
TASK = TypeAdapter(TaskBody)
COUNT = TypeAdapter(int)

_ORDER_MARK = attrgetter(
    "kind",
    "price",
    "trigger",
    "quantity",
    "updated_at",
    "exchange_at",
    "exchange_order_id",
    "status",
    "filled",
    "value",
    "last_price",
    "last_quantity",
    "error",
    "reason",
    "modifications",
    "triggered",
    "passive",
)
_POSITION_MARK = attrgetter("carried_quantity", "carried_value", "bought", "bought_value", "sold", "sold_value")


def clients(accounts: Accounts) -> Iterator[Record]:
    """Yield the clients."""
    for place, one in enumerate(accounts.all()):
        body = ClientBody(
            one.name,
            one.opening_balance,
            one.data_plan,
            one.needs_ip,
            dict(one.ips),
            dict(one.ips_changed),
            bool(one.token),
            one.token_made,
            one.token_ends,
            one.tokens_minted,
            one.minted_by,
            one.generated_at,
        )
        yield Record(one.client_id, place, body, partial(CLIENT.dump_json, body))


def counts(book: OrderBook) -> Iterator[Record]:
    """Yield how far the order numbers of each date have been given out."""
    for on, count in book.counts.items():
        yield Record(on.isoformat(), on.toordinal(), count, partial(COUNT.dump_json, count))


def order_mark(one: Order) -> tuple[object, ...]:
    """Return everything in an order that can change."""
    return (*_ORDER_MARK(one), len(one.trades))


def order(one: Order) -> Record:
    """Return an order's record."""
    return Record(one.order_id, _place(one), order_mark(one), partial(ORDER.dump_json, one))


def super_mark(one: SuperOrder) -> tuple[object, ...]:
    """Return everything in a super order that can change, its orders aside."""
    return (one.terms, one.reference, *one.exits, *sorted(one.cancelled))


def super_order(one: SuperOrder) -> Record:
    """Return a super order's record."""
    exits = {leg: exit_order.order_id for leg, exit_order in one.exits.items()}
    body = SuperBody(one.terms, exits, sorted(one.cancelled), one.reference)
    return Record(one.entry.order_id, _place(one.entry), super_mark(one), partial(SUPER.dump_json, body))


def ledgers(books: Ledgers) -> Iterator[Record]:
    """Yield the ledgers, without positions and lines."""
    for place, one in enumerate(books):
        body = LedgerBody(one.cash, one.opening, len(one.history))
        yield Record(one.client_id, place, body, partial(LEDGER.dump_json, body))


def positions(books: Ledgers) -> Iterator[Record]:
    """Yield the positions of all ledgers."""
    for ledger in books:
        for place, ((security_id, segment, product), one) in enumerate(ledger.positions.items()):
            key = f"{ledger.client_id}/{segment}/{security_id}/{product}"
            yield Record(key, place, (place, *_POSITION_MARK(one)), partial(POSITION.dump_json, one))


def trades(ledger: Ledger, known: int) -> Iterator[Record]:
    """Yield the trades of a ledger after the first `known`."""
    filed = len(ledger.history)
    added = chain(ledger.history[known:], ledger.trades[max(known - filed, 0) :])
    for number, one in enumerate(added, known):
        yield Record(f"{ledger.client_id}/{number}", number, None, partial(TRADE.dump_json, one))


def adjustments(ledger: Ledger, known: int) -> Iterator[Record]:
    """Yield the adjustments of a ledger after the first `known`."""
    for number, one in enumerate(ledger.adjustments[known:], known):
        yield Record(f"{ledger.client_id}/{number}", number, None, partial(ADJUSTMENT.dump_json, one))


def guards(safeguards: Safeguards) -> Iterator[Record]:
    """Yield the switches that are on."""
    for client_id in sorted(safeguards.kills | set(safeguards.exits)):
        body = GuardBody(client_id in safeguards.kills, safeguards.exits.get(client_id))
        yield Record(client_id, 0, body, partial(GUARD.dump_json, body))


def tasks(timeline: Timeline) -> Iterator[Record]:
    """Yield the planned steps; what is planned is never changed, only done or dropped."""
    for number, at, task in timeline.tasks():
        body = TaskBody(at, *task)
        yield Record(str(number), number, body, partial(TASK.dump_json, body))


def _place(one: Order) -> int:
    return one.created_at * NUMBERS_A_DAY + one.number
