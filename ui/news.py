"""What has just happened and is worth a message: fills, refusals by the broker, alerts. Each is told once a visitor."""

import io
import math
import struct
import wave
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from ui.format import change, rupees
from ui.profit import of_order
from ui.trading import Order
from ui.words import order_in_words

RATE = 8_000
TONE = 660.0
LASTS = 0.3
LOUDNESS = 0.25


class Told(NamedTuple):
    """How far an order was when a visitor last heard of it."""

    bought: int
    held: int
    refused: bool


class News(NamedTuple):
    """One message; `stays` until it is closed by hand."""

    text: str
    stays: bool = False


def told_of(orders: Iterable[Order]) -> dict[str, Told]:
    """Return how far each order is; what was sold at a price that is not told yet counts as held."""
    return {
        order.setup_id: Told(order.bought, order.held or order.unpriced, order.state == "rejected") for order in orders
    }


def news(before: Mapping[str, Told], orders: Iterable[Order]) -> list[News]:
    """Return what has happened to orders since `before`."""
    found = []
    for order in orders:
        known = before.get(order.setup_id, Told(0, 0, refused=False))
        if order.bought > known.bought:
            price = rupees(order.spent / order.bought)
            found.append(News(f"Bought {order.bought - known.bought} {order.contract} at {price} on average"))
        if order.bought and not (order.held or order.unpriced) and (known.held or not known.bought):
            found.append(News(f"Sold {order.contract}: {change(of_order(order, {}).value)} rupees"))
        if order.state == "rejected" and not known.refused:
            found.append(News(f"{order.contract}: {order_in_words(order)}", stays=True))
    return found


@cache
def chime() -> bytes:
    """Return a short tone as a WAV file."""
    count = int(RATE * LASTS)
    samples = (
        int(32_767 * LOUDNESS * (1 - at / count) * math.sin(2 * math.pi * TONE * at / RATE)) for at in range(count)
    )
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()
