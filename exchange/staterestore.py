"""Puts a book back as its file has it, and lets pass what time has passed since.

Nobody traded while the exchange did not run: orders rest, trails and exits by profit stand still, and go on with what
is traded from now on. What happens by itself at fixed times has happened at those times: intraday positions were
squared off at the prices of that moment, orders expired and contracts were settled at the close, the day turned.
"""

from collections.abc import Iterator
from datetime import date
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from exchange import staterecords as written
from exchange.accounts import Account, Accounts
from exchange.clock import ist
from exchange.core import Core
from exchange.ledgerbook import Ledger
from exchange.ledgers import Ledgers
from exchange.orders import Order
from exchange.services import Task
from exchange.state import StateError, StateFile
from exchange.staterecords import ClockBody
from exchange.superorders import SuperOrder

Body = TypeVar("Body")


def last_clock(file: StateFile, seed: int) -> ClockBody | None:
    """Return how far the clock of the book had come, or None for a new book.

    Raises
    ------
    StateError
        If the book belongs to an exchange with another seed.
    """
    found = [body for _, body in _bodies(file, "clock", written.CLOCK)]
    if not found:
        return None
    if found[0].seed != seed:
        raise StateError(
            f"{file.path} is the book of an exchange with seed {found[0].seed}, this one has {seed}; "
            "start it with that seed, or name another file"
        )
    return found[0]


def restore_accounts(accounts: Accounts, file: StateFile) -> None:
    """Bring the clients of a book back, with the tokens that they had."""
    for client_id, kept in _bodies(file, "client", written.CLIENT):
        account = accounts.find(client_id)
        if account is None:
            account = Account(client_id)
            accounts.add(account)
        account.name, account.opening_balance = kept.name, kept.opening_balance
        account.data_plan, account.needs_ip = kept.data_plan, kept.needs_ip
        account.ips, account.ips_changed = dict(kept.ips), dict(kept.ips_changed)
        account.token_made, account.token_ends = kept.token_made, kept.token_ends
        account.tokens_minted, account.minted_by = kept.tokens_minted, kept.minted_by
        account.generated_at = kept.generated_at
        if kept.token_in_force:
            accounts.mint_again(account)


def restore(core: Core, file: StateFile, last: ClockBody) -> None:
    """Bring the book back into a core whose clock shows the present.

    Raises
    ------
    StateError
        If the market does not know the sessions or contracts since then.
    """
    core.timeline.clear(last.settled)
    _put_back(core, file)
    core.floor.unattended = True
    core.days.begin()
    for _, task in _bodies(file, "task", written.TASK):
        core.timeline.plan_task(task.at, Task(task.name, task.about, task.detail))
    try:
        core.advance(core.clock.now())
    except LookupError as error:
        raise StateError(
            f"the book {file.path} stands at {ist(last.settled)}, and what came after cannot be told ({error}); "
            "start the exchange with the market it was written with, or name another file"
        ) from error
    core.supers.attend()
    core.floor.attend()
    core.safeguards.watch()


def _put_back(core: Core, file: StateFile) -> None:
    for _, order in _bodies(file, "order", written.ORDER):
        core.orders.put(order)
        if order.is_open and order.exchange_at:
            core.floor.put_back(order)
    for on, count in _bodies(file, "count", written.COUNT):
        core.orders.counts[date.fromisoformat(on)] = count
    for entry, kept in _bodies(file, "super", written.SUPER):
        exits = {leg: _order(core, file, order_id) for leg, order_id in kept.exits.items()}
        whole = SuperOrder(_order(core, file, entry), kept.terms, exits, set(kept.cancelled), kept.reference)
        core.supers.put(whole)
    for client_id, guard in _bodies(file, "guard", written.GUARD):
        if guard.killed:
            core.safeguards.kills.add(client_id)
        if guard.pnl_exit is not None:
            core.safeguards.exits[client_id] = guard.pnl_exit
    _put_ledgers_back(core.ledgers, file)


def _order(core: Core, file: StateFile, order_id: str) -> Order:
    order = core.orders.named(order_id)
    if order is None:
        raise file.damaged(f"a super order has order {order_id}, and there is none")
    return order


def _put_ledgers_back(ledgers: Ledgers, file: StateFile) -> None:
    filed = {}
    for client_id, kept in _bodies(file, "ledger", written.LEDGER):
        ledger = Ledger(client_id, kept.cash)
        ledger.opening, filed[client_id] = kept.opening, kept.filed
        ledgers.put(ledger)
    for key, position in _bodies(file, "position", written.POSITION):
        contract = position.contract
        held = ledgers.of(_client_of(key)).positions
        held[contract.security_id, contract.segment, position.product] = position
    for key, trade in _bodies(file, "trade", written.TRADE):
        ledger = ledgers.of(_client_of(key))
        lines = ledger.history if len(ledger.history) < filed.get(ledger.client_id, 0) else ledger.trades
        lines.append(trade)
    for key, adjustment in _bodies(file, "adjustment", written.ADJUSTMENT):
        ledgers.of(_client_of(key)).adjustments.append(adjustment)


def _bodies(file: StateFile, kind: str, adapter: TypeAdapter[Body]) -> Iterator[tuple[str, Body]]:
    for key, body in file.read(kind):
        try:
            found = adapter.validate_json(body)
        except ValidationError as error:
            raise file.damaged(f"{kind} {key}: {error.errors(include_url=False)[0]['msg']}") from error
        yield key, found


def _client_of(key: str) -> str:
    return key.partition("/")[0]
