"""One answer of the server, whole: Dhan's client keeps the body of a success and loses everything else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_OK = range(200, 300)


@dataclass(frozen=True)
class Reply:
    """What came back: status, headers in lower case, and the body as bytes; `path` is the address without its query."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether the status says success, which on Dhan is not the whole truth."""
        return self.status in _OK

    @property
    def served_at(self) -> datetime | None:
        """The server's own clock, from the Date header; None where there is none that can be read."""
        try:
            found = parsedate_to_datetime(self.headers["date"])
        except (KeyError, ValueError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def json(self) -> Any:  # Any: JSON
        """Return the body parsed; NaN and infinities, which are not JSON and do come, are None.

        Raises
        ------
        ValueError
            If the body is not JSON.
        """
        return json.loads(self.body, parse_constant=lambda _word: None)
