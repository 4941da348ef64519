"""Settings in, an open account out: live, or the paper exchange's on this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from agents.data.dhan.address import Address
from agents.data.dhan.attempts import CallCounts, CallReport
from agents.data.dhan.credentials import Credentials
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import Limiter
from agents.data.dhan.master_files import MasterFiles
from agents.data.dhan.reader import Reader
from agents.data.dhan.token import TokenFile, TokenKeeper
from agents.domain.errors import ConfigError
from agents.ports import Breaker
from agents.settings import Settings

LIFE_LEFT = timedelta(hours=1)
# The account that every paper exchange has from the start; it opens nothing else.
_PAPER = Credentials(client_id="1000000001", pin=SecretStr("123456"), totp_secret=SecretStr("JBSWY3DPEHPK3PXP"))


@dataclass(frozen=True)
class Dhan:
    """An account that can be read: requests, its token, today's instruments, and counts of all requests."""

    reader: Reader
    keeper: TokenKeeper
    masters: MasterFiles
    counts: CallCounts

    @property
    def source(self) -> str:
        """How rows that come from here are marked; a paper exchange's never mix with a real one's."""
        return "simulated:exchange" if self.reader.wire.address.is_loopback else "dhan"


def address_of(settings: Settings) -> Address:
    """Return which server a mode talks to: the paper exchange in paper mode, otherwise Dhan.

    Raises
    ------
    ConfigError
        If paper mode would leave this machine, or live mode would not.
    """
    paper = settings.mode == "paper"
    usual = Address.on_loopback(settings.exchange_port) if paper else Address()
    found = Address(
        rest=(settings.dhan_url or usual.rest).rstrip("/"), auth=(settings.dhan_auth_url or usual.auth).rstrip("/")
    )
    if paper and not found.is_loopback:
        raise ConfigError(f"paper mode never leaves this machine; unset ZONEDESK_DHAN_URL ({found.rest})")
    if settings.mode == "live" and found.is_loopback:
        raise ConfigError(f"live mode needs Dhan itself, not {found.rest}; unset ZONEDESK_DHAN_URL or use paper mode")
    return found


def credentials_of(settings: Settings, address: Address) -> Credentials:
    """Return what opens the account: on this machine the paper exchange's own, never those of a real account.

    Raises
    ------
    ConfigError
        If there is no client id.
    """
    if address.is_loopback:
        return _PAPER
    if not settings.dhan_client_id:
        raise ConfigError("DHAN_CLIENT_ID is not set; take it from web.dhan.co, with DHAN_ACCESS_TOKEN")
    return Credentials(
        client_id=settings.dhan_client_id,
        token=settings.dhan_access_token,
        pin=settings.dhan_pin,
        totp_secret=settings.dhan_totp_secret,
    )


def open_dhan(
    settings: Settings,
    *,
    wall: Callable[[], datetime],
    sleep: Callable[[float], None],
    jitter: Callable[[], float],
    observe: Callable[[CallReport], None] | None = None,
    breaker: Breaker | None = None,
) -> Dhan:
    """Return the account of these settings, with a token that lives for at least an hour.

    Parameters
    ----------
    settings : Settings
        Mode, addresses, credentials; tokens, limits and masters are kept in ``<home>/dhan``.
    wall : callable
        Returns the machine's present, aware; tokens and limits live in it.
    sleep : callable
        Waits that many seconds.
    jitter : callable
        Returns a random number between 0 and 1.
    observe : callable, optional
        Told of every request, beside the counts that are always kept.
    breaker : Breaker, optional
        Keeps reads away while Dhan does not answer; left out where a position is protected.

    Raises
    ------
    ConfigError
        If nothing opens the account.
    DhanUnavailableError
        If a token is needed and the login host does not answer.
    """
    address = address_of(settings)
    credentials = credentials_of(settings, address)
    folder: Path = settings.home / "dhan"
    wire = Wire(address, credentials.client_id)
    keeper = TokenKeeper(wire, credentials, TokenFile(folder / "token.json"), wall, is_paper=address.is_loopback)
    counts = CallCounts()

    def seen(report: CallReport) -> None:
        counts(report)
        if observe is not None:
            observe(report)

    limiter = Limiter(folder / "limits.sqlite", credentials.client_id, wall=lambda: wall().timestamp(), sleep=sleep)
    reader = Reader(
        wire, limiter, sleep=sleep, jitter=jitter, observe=seen, renew=keeper.replace_refused, breaker=breaker
    )
    keeper.ensure(wall() + LIFE_LEFT)
    masters = MasterFiles(folder / "instruments", reader, frozenset(settings.instruments) | frozenset(settings.futures))
    return Dhan(reader, keeper, masters, counts)
