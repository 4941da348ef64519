"""The steps that the ledger knows: fills, orders, vetoes, verdict, setup, contract, chain, and the questions asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from agents.data.ledger import Ledger, LedgerEvent
from agents.data.why.links import Link
from agents.domain.calls import LlmCall
from agents.domain.cycle import REASON_TEXT, Reason

Facts = Mapping[str, Any]  # Any: a record as JSON, perhaps of an older program
_NOT_ORDERS = frozenset({"cycle", "cycle_differs", "llm_call"})


def order_links(events: Sequence[LedgerEvent]) -> Iterator[Link]:
    """Yield the fills of a setup's orders, then every event of theirs, newest first."""
    orders = [event for event in events if event.kind not in _NOT_ORDERS]
    for event in reversed(orders):
        yield from _fills(event, orders)
    for event in reversed(orders):
        said = event.payload
        state = said.get("state") or said.get("what") or said.get("outcome") or ""
        words = [str(state), str(said.get("why") or said.get("message") or said.get("reason") or "")]
        name = said.get("correlation_id") or said.get("order_id") or event.key
        text = f"{event.kind} {' '.join(word for word in words if word)}".rstrip()
        yield Link(
            what="order event", id=name, at=event.at, text=text, facts={"seq": event.seq, "hash": event.hash, **said}
        )


def _fills(event: LedgerEvent, orders: Sequence[LedgerEvent]) -> Iterator[Link]:
    """Yield the fills that an order event shows and no earlier one did."""
    news = event.payload.get("changes")
    for units, money, verb in (("priced", "earned", "sold"), ("bought", "spent", "bought")):
        if isinstance(news, Mapping) and news.get(units):
            text = f"{verb} {news[units]} in all" + (f" for {news[money]}" if news.get(money) else "")
            yield Link(what="fill", id=event.payload["setup_id"], at=event.at, text=text, facts=dict(news))
    for side in ("exit", "entry"):
        fill = event.payload.get(side)
        if not isinstance(fill, Mapping) or any(
            fill == earlier.payload.get(side) for earlier in orders if earlier.seq < event.seq
        ):
            continue
        text = f"{side} of {fill.get('quantity')} {event.payload.get('contract', '')} at {fill.get('price')}"
        yield Link(
            what="fill", id=event.payload.get("correlation_id"), at=_at(fill.get("at")), text=text, facts=dict(fill)
        )


def decision_links(ledger: Ledger, event: LedgerEvent) -> Iterator[Link]:
    """Yield what one cycle decided, and on what: from the outcome back to the price it began with."""
    record: Facts = event.payload
    yield _decision(event, record)
    yield from _passed_over(record)
    yield from _sizes(record)
    yield from verdict_links(ledger, record.get("verdict"), event.at, "verdict")
    setup = record.get("setup")
    if setup:
        text = (
            f"{setup['side']} at {setup['zone_id']}: buy {setup['contract']} at {setup['premium_entry']}, "
            f"stop {setup['premium_stop']}, target {setup['premium_target']}, reward to risk {setup['risk_reward']:.2f}"
        )
        yield Link(what="setup", id=setup["setup_id"], at=_at(setup["decided_at"]), text=text, facts=dict(setup))
    yield from _candidates(record.get("candidates") or ())
    if record.get("price"):
        text = f"{record['instrument']} at {record['price']}"
        yield Link(what="price", at=_at(record.get("price_at")), text=text, facts={"price": record["price"]})


def verdict_links(ledger: Ledger, verdict: Facts | None, at: datetime, what: str) -> Iterator[Link]:
    """Yield a verdict and the question it answered: prompt, facts and reply, as they were sent and came."""
    if not verdict:
        return
    subject = str(verdict.get("setup_id") or verdict.get("zone_id"))
    said = f"{verdict['judge']}: {verdict['verdict']} at {verdict['probability']:.2f}, {verdict['outcome']}"
    text = f"{said}. {verdict['reason']}"
    yield Link(what=what, id=subject, at=_at(verdict.get("known_at")) or at, text=text, facts=dict(verdict))
    key = str(verdict.get("call_key") or "")
    calls = [call for call in ledger.calls.calls_of(subject) if not key or call.key == key or call.asked_at == at]
    if not calls and key:
        known = ledger.calls.find_call(key, at, only_ok=False)
        calls = [known] if known else []
    yield from (_question(call) for call in calls)
    if not calls:
        yield Link(what="no question", text="no model was asked in this ledger: rules, a recording, or another ledger")


def _decision(event: LedgerEvent, record: Facts) -> Link:
    reason = str(record["reason"])
    words = REASON_TEXT[Reason(reason)] if reason in set(Reason) else reason
    text = f"{record['decision']}: {words}" + (f" ({record['detail']})" if record.get("detail") else "")
    facts = {"seq": event.seq, "hash": event.hash, "reason": reason, "zones": record.get("zones")}
    return Link(what="decision", id=record["cycle_id"], at=event.at, text=text, facts=facts)


def _passed_over(record: Facts) -> Iterator[Link]:
    for each in record.get("passed_over") or ():
        yield Link(what="passed over", id=each["zone_id"], text=each["reason"], facts=dict(each))


def _sizes(record: Facts) -> Iterator[Link]:
    for veto in record.get("vetoes") or ():
        yield Link(what="veto", id=veto["rule"], text=veto["text"], facts=dict(veto))
    order = record.get("order")
    if order:
        text = f"{order['lots']} lots of {order['lot_size']} {order['contract']} at {order['entry_limit']} or better"
        yield Link(what="size", id=order["correlation_id"], at=_at(order["placed_at"]), text=text, facts=dict(order))


def _candidates(candidates: Sequence[Facts]) -> Iterator[Link]:
    if not candidates:
        return
    able = [each["contract"] for each in candidates if not each["rejected"]]
    text = f"{len(candidates)} looked at, {len(able)} eligible: {', '.join(able[:3]) or 'none'}"
    yield Link(what="contracts", text=text, facts={"candidates": list(candidates)})


def _question(call: LlmCall) -> Link:
    prompt = f"{call.prompt_id} v{call.prompt_version} ({call.prompt_sha})"
    text = f"{prompt} to {call.model}: {call.status.value} {call.detail}"
    facts = {
        "prompt_id": call.prompt_id, "prompt_version": call.prompt_version, "prompt_sha": call.prompt_sha,
        "system": call.system, "facts": _json(call.facts), "reply": _json(call.body), "params": _json(call.params),
        "reply_schema": _json(call.reply_schema), "attempts": _json(call.trace), "cost": str(call.cost),
        "latency": call.latency, "served_model": call.served_model, "usage": call.usage.model_dump(),
    }  # fmt: skip
    return Link(what="question", id=call.key[:16], at=call.asked_at, text=text.strip(), facts=facts)


def _json(text: str) -> Any:  # Any: whatever JSON can hold
    try:
        return json.loads(text)
    except ValueError:
        return text


def _at(value: Any) -> datetime | None:  # Any: a moment, or its text
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else None
