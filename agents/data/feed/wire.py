"""Opening a WebSocket to the broker so that its address, which may hold the token, reaches no log and no exception."""

import logging
from typing import Final, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from agents.data.feed.pace import End, Pace, Why
from agents.domain.errors import ConfigError

TOO_MANY: Final = 429
NOT_YOU: Final = frozenset({400, 401, 403})
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

# websockets logs the address of every request at DEBUG. A logger outside the tree stays silent whatever is configured.
_SILENT = logging.Logger("silent")  # noqa: LOG001  (it must not be part of the tree)
_SILENT.disabled = True


class Credentials(Protocol):
    """Who we are to the broker. The token is asked for at every connection, since it changes within the day."""

    @property
    def client_id(self) -> str:
        """Return the client's number."""
        ...

    def token(self) -> SecretStr:
        """Return the token in force, quickly and without asking the broker."""
        ...

    def refused(self) -> None:
        """Take note that the broker refused the token; look for another one. May block; called in a thread.

        Raises
        ------
        TradingError
            If no other can be had.
        """
        ...


class Ended(Exception):  # noqa: N818  (it ends a connection, which is no error)
    """Carries the end of a connection through code that reads from it."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.end = End(why, detail)


async def dial(url: SecretStr, pace: Pace) -> ClientConnection:
    """Open a connection.

    Parameters
    ----------
    url : SecretStr
        ``ws://`` or ``wss://``, query included.
    pace : Pace
        How long it may take, and how often to ask for a sign of life.

    Raises
    ------
    Ended
        If it cannot be opened: `Why.BUSY` where the broker has had enough, `Why.CREDENTIALS` where it does not know
        us, `Why.LOST` otherwise. The text names host and reason, never the rest of the address.
    ConfigError
        If `url` is not the address of a WebSocket.
    """
    opened = await _attempt(url.get_secret_value(), pace)
    if isinstance(opened, Exception):
        raise opened  # outside of any handler, so that no context can hold the address
    return opened


async def _attempt(url: str, pace: Pace) -> ClientConnection | Ended | ConfigError:
    host = "the broker"
    try:
        host = urlsplit(url).hostname or host
        return await connect(
            url,
            proxy=None if host in LOOPBACK else True,
            compression=None,
            open_timeout=pace.open_within,
            close_timeout=pace.close_within,
            ping_interval=pace.ping_every,
            ping_timeout=pace.pong_within,
            logger=_SILENT,
        )
    except (InvalidURI, ValueError):
        return ConfigError(
            "the address of a feed is not that of a WebSocket; it must look like wss://host or ws://host"
        )
    except InvalidStatus as error:
        return Ended(_why(error.response.status_code), f"{host} answered {error.response.status_code}")
    except (InvalidHandshake, EOFError) as error:
        return Ended(Why.LOST, f"{host} ended the handshake ({type(error).__name__})")
    except TimeoutError:
        return Ended(Why.LOST, f"{host} did not answer within {pace.open_within:g} s")
    except OSError as error:
        return Ended(Why.LOST, f"{host} cannot be reached ({error.strerror or type(error).__name__})")


def _why(status: int) -> Why:
    if status == TOO_MANY:
        return Why.BUSY
    return Why.CREDENTIALS if status in NOT_YOU else Why.LOST
