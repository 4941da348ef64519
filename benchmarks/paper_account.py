"""What the paper exchange itself says of the desk's account, by its control API: the book that ours is held against."""

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_MAY_TRADE = frozenset({"PENDING", "TRANSIT", "PART_TRADED"})

Facts = dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class PaperAccount:
    """The account of the desk in `folder`."""

    folder: Path

    def book(self) -> Facts:
        """Return the account's whole book."""
        key = json.loads((self.folder / "paper" / "exchange.json").read_text(encoding="utf-8"))
        head = {"Authorization": f"Bearer {key['control_token']}"}
        asked = urllib.request.Request(f"{key['control']}/book", headers=head)
        with _DIRECT.open(asked, timeout=30) as reply:
            found: Facts = json.loads(reply.read())["clients"][key["client_id"]]
        return found

    def holds(self) -> bool:
        """Whether the account has a position or an order that may still trade."""
        book = self.book()
        return any(one["status"] in _MAY_TRADE for one in book["orders"]) or any(
            one["net"] for one in book["positions"]
        )
