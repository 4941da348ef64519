"""The chain of reasons as values: what each step was, its id, when, one sentence, and everything known of it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime, Field

from agents.domain.values import IST, Frozen

RunOf = Callable[[str, date, datetime], str | None]
"""Asset, session and the time a row was recorded in; the id of the run that recorded it, None if not known."""

_INDENT = "    "
_LONG = 110


class Link(Frozen):
    """One step of the chain.

    `what` names the kind of step ("fill", "verdict", "zone"), `text` says it in one sentence, `facts` holds all that is
    known in a form that JSON can hold.
    """

    what: str
    id: str | None = None
    at: AwareDatetime | None = None
    text: str
    facts: dict[str, Any] = Field(default_factory=dict)  # Any: whatever JSON can hold


class Chain(Frozen):
    """All steps from what was asked for down to the candles. `found` is the whole id, `kind` what it is an id of."""

    asked: str
    found: str
    kind: str
    links: tuple[Link, ...]

    def of(self, what: str) -> tuple[Link, ...]:
        """Return the steps of one kind, in order."""
        return tuple(link for link in self.links if link.what == what)


def chain_text(chain: Chain, *, full: bool = False) -> str:
    """Return the chain for people, one step a line; with `full`, prompts, facts and candles as well."""
    lines = [f"{chain.kind} {chain.found}"]
    for link in chain.links:
        moment = f"{link.at.astimezone(IST):%d %b %Y %H:%M:%S}  " if link.at else ""
        name = f" {link.id}" if link.id else ""
        lines.append(f"  {link.what + name:<40} {moment}{link.text}")
        if full:
            lines += [
                f"{_INDENT}{_INDENT}{name}: {value}" for name, value in link.facts.items() if value not in (None, "")
            ]
        else:
            lines += _spoken(link)
    return "\n".join(lines)


def _spoken(link: Link) -> list[str]:
    """Return what was asked and answered, shortened: the part of a chain that a person always wants to see."""
    if link.what != "question":
        return []
    words = (("prompt", link.facts["system"]), ("facts", link.facts["facts"]), ("reply", link.facts["reply"]))
    return [f"{_INDENT}{_INDENT}{name}: {_short(str(value))}" for name, value in words if value]


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONG else f"{flat[:_LONG]}… ({len(flat)} characters, see --full)"
