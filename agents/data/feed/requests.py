"""What is said to the feed, and what its last word means."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.pace import End, Why

PER_REQUEST: Final = 100
LEAVING: Final = json.dumps({"RequestCode": 12})

_REASONS: Final = {
    800: (Why.LOST, "the broker's feed has failed"),
    804: (Why.REFUSED, "more instruments than a connection may have"),
    805: (Why.BUSY, "too many connections; another program feeds on this account"),
    806: (Why.CREDENTIALS, "the account has no data plan; subscribe to the Data APIs"),
    807: (Why.CREDENTIALS, "the token has expired"),
    808: (Why.CREDENTIALS, "the broker does not know this client or token"),
    809: (Why.CREDENTIALS, "the token is not valid"),
    810: (Why.CREDENTIALS, "the client id is not valid"),
    814: (Why.REFUSED, "the broker did not understand a request"),
}


def subscribing(instruments: Iterable[FeedInstrument]) -> Iterator[str]:
    """Yield the requests that begin subscriptions, at most a hundred instruments of one mode in each."""
    yield from _requests(instruments, ending=False)


def unsubscribing(instruments: Iterable[FeedInstrument]) -> Iterator[str]:
    """Yield the requests that end subscriptions."""
    yield from _requests(instruments, ending=True)


def end_of(reason: int) -> End:
    """Return what the code of a disconnect packet says."""
    why, text = _REASONS.get(reason, (Why.LOST, "the broker gave no reason that is known"))
    return End(why, f"{reason}: {text}")


def _requests(instruments: Iterable[FeedInstrument], *, ending: bool) -> Iterator[str]:
    wanted = list(instruments)
    for mode in Mode:
        rows = [
            {"ExchangeSegment": each.key.segment, "SecurityId": str(each.key.security_id)}
            for each in wanted
            if each.mode is mode
        ]
        code = mode.ending if ending else mode.value
        for start in range(0, len(rows), PER_REQUEST):
            part = rows[start : start + PER_REQUEST]
            yield json.dumps({"RequestCode": code, "InstrumentCount": len(part), "InstrumentList": part})
