"""Where an account's feeds are, and what opens them: all that a listener needs who keeps nothing."""

from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.data.dhan.address import Address
from agents.data.dhan.connect import Dhan

LIVE_FEED: Final = "wss://api-feed.dhan.co"
LIVE_UPDATES: Final = "wss://api-order-update.dhan.co"


def feed_address(address: Address) -> str:
    """Return where the market feed of a server is."""
    return f"ws://{urlsplit(address.rest).netloc}/feed" if address.is_loopback else LIVE_FEED


def updates_address(address: Address) -> str:
    """Return where the order updates of a server are."""
    return f"ws://{urlsplit(address.rest).netloc}/order-update" if address.is_loopback else LIVE_UPDATES


class AccountKeys:
    """The credentials of an account; see `agents.data.feed.wire.Credentials`."""

    def __init__(self, dhan: Dhan) -> None:
        self._dhan = dhan

    @property
    def client_id(self) -> str:
        """Return the client's number."""
        return self._dhan.reader.wire.client_id

    def token(self) -> SecretStr:
        """Return the token in use."""
        return self._dhan.reader.wire.token

    def refused(self) -> None:
        """Look for another token, and make one where nothing else helps; see `TokenKeeper.replace_refused`."""
        self._dhan.keeper.replace_refused()
