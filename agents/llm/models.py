"""What is known of models: which parameters they take, what they cost, and which are gone."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agents.domain.calls import Usage

_REASONING = ("gpt-5", "gpt-6", "o1", "o3", "o4")
_MILLION = Decimal(1_000_000)

ANSWER_TOKENS = 800
REASONING_ANSWER_TOKENS = 4096

RETIRED = {
    "gpt-4": date(2026, 10, 23),
    "gpt-4-0613": date(2026, 10, 23),
    "gpt-4-turbo": date(2026, 10, 23),
    "gpt-4o": date(2027, 1, 14),
    "gpt-4.1": date(2027, 1, 14),
    "gpt-4.1-mini": date(2027, 1, 14),
}
"""The first day on which a model no longer answers."""


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens, from `since` on."""

    since: date
    input: Decimal
    cached: Decimal
    output: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """Return the US dollars of a call; reasoning tokens are part of the output."""
        fresh = max(0, usage.input_tokens - usage.cached_tokens)
        dollars = fresh * self.input + usage.cached_tokens * self.cached + usage.output_tokens * self.output
        return dollars / _MILLION


# List prices as published; where no price for cached input is known it counts as fresh. Add a row when one changes.
PRICES: dict[str, tuple[Price, ...]] = {
    "gpt-6-luna": (Price(date(2026, 11, 6), Decimal("0.10"), Decimal("0.01"), Decimal("0.50")),),
    "gpt-6-sol": (Price(date(2026, 11, 6), Decimal(2), Decimal(2), Decimal(10)),),
}


def price_of(model: str, on: date) -> Price:
    """Return what a model cost on a day; a model that is not in the table counts as the dearest one that is."""
    rows = PRICES.get(model)
    if rows is None:
        return max((_on_day(listed, on) for listed in PRICES.values()), key=lambda price: price.output)
    return _on_day(rows, on)


def is_reasoning(model: str) -> bool:
    """Whether a model thinks before it answers, which costs output tokens and forbids a temperature."""
    return model.startswith(_REASONING)


def answer_tokens(model: str) -> int:
    """Return how many tokens an answer may have, thoughts included."""
    return REASONING_ANSWER_TOKENS if is_reasoning(model) else ANSWER_TOKENS


def _on_day(rows: tuple[Price, ...], on: date) -> Price:
    return max((row for row in rows if row.since <= on), key=lambda row: row.since, default=rows[0])
