"""How an error of the broker or the journal is spoken of: never with a secret in it.

The rule: an exception's text may quote a header, an address or a token. What looks like one is masked before it is
written, told or logged.
"""

import re

HIDDEN = "[hidden]"
LONGEST = 160
_LONG = re.compile(r"[A-Za-z0-9_.+/=-]{20,}")
_NAMED = re.compile(
    r"\b(?:access[-_]?token|token|pin|totp|password|secret|api[-_]?key|authorization)\b[\"']?\s*[:=]?\s*[\"']?"
    r"(?:Bearer\s+)?[^\s\"',;)}\]]+",
    re.IGNORECASE,
)


def spoken(error: BaseException) -> str:
    """Return an error as one short line without secrets."""
    text = _LONG.sub(HIDDEN, _NAMED.sub(HIDDEN, str(error)))
    return f"{type(error).__name__}: {text}"[:LONGEST]
