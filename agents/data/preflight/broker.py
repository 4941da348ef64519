"""Checks of the way to the broker: whether it answers, its clock, the token, the data plan, addresses, today's master.

A check asks and changes nothing: above all it makes no token, because a new one would end the one in use.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from agents.data.dhan.account import Addresses, addresses_of
from agents.data.dhan.address import Address
from agents.data.dhan.connect import address_of, credentials_of
from agents.data.dhan.credentials import Credentials, Profile, claims_of, profile_of
from agents.data.dhan.errors import Fault, Trouble, UnansweredError, classify
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import Limiter
from agents.data.dhan.master_files import MasterFiles
from agents.data.dhan.reader import Reader
from agents.data.dhan.reply import Reply
from agents.data.dhan.skew import clock_skew
from agents.data.dhan.token import TokenFile
from agents.data.preflight.findings import Finding, fail, fine, warn
from agents.domain.errors import ConfigError, DataError
from agents.domain.values import IST
from agents.settings import Settings

MOST_SKEW = timedelta(seconds=1)
LEAST_LIFE = timedelta(hours=1)
_TIMEOUT = (3.05, 5.0)
_NEW_TOKEN = "set DHAN_ACCESS_TOKEN to a new one from web.dhan.co, or set DHAN_PIN and DHAN_TOTP_SECRET"  # noqa: S105 - words
_PAPER_TOKEN = "restart the desk with `zonedesk up`; it gets a new token from the exchange"  # noqa: S105 - words


@dataclass(frozen=True)
class Probe:
    """What the checks are made with.

    Attributes
    ----------
    settings : Settings
        Mode, address, credentials, folders.
    wall : callable
        Returns the machine's present, aware.
    market_on : date
        The market's date, whose master is wanted.
    needed : bool
        Whether the broker must answer now: a paper exchange need not while the desk is off.
    """

    settings: Settings
    wall: Callable[[], datetime]
    market_on: date
    needed: bool = True


def broker_findings(probe: Probe) -> Sequence[Finding]:
    """Check the way to the broker of these settings; nothing where a replay has no account.

    Returns
    -------
    sequence of Finding
        ``broker``, ``clock``, ``token``, ``data plan``, ``address`` and ``master``. Where it does not answer only what
        can be known without it.
    """
    settings = probe.settings
    if settings.mode == "replay" and not settings.dhan_client_id:
        return []
    try:
        address = address_of(settings)
        credentials = credentials_of(settings, address)
        wire = Wire(address, credentials.client_id, timeout=_TIMEOUT)
    except ConfigError as error:
        return [fail("broker", str(error), "change the settings that the sentence names")]
    try:
        return _findings(probe, wire, credentials)
    finally:
        wire.close()


def _findings(probe: Probe, wire: Wire, credentials: Credentials) -> Sequence[Finding]:
    held, token = _token(probe, wire, credentials)
    before = probe.wall()
    try:
        reply = wire.fetch_as_client("the profile", "GET", "/profile")
    except UnansweredError as error:
        return [_unanswered(probe, wire.address, error), token, check_master(probe, wire)]
    after = probe.wall()
    found = [fine("broker", f"{wire.address.rest} answers in {reply.seconds * 1000:.0f} ms")]
    found.append(check_clock(reply.served_at, before, after))
    if not held:
        return [*found, token, check_master(probe, wire)]
    fault, profile = _profile(reply)
    if profile is None:
        refused = _refused(fault, wire.address)
        return [*(each for each in found if each.name != refused.name), refused, check_master(probe, wire)]
    if profile.client_id != credentials.client_id:
        return [*found, fail("token", "it is of another account than DHAN_CLIENT_ID", "set both from one account")]
    return [
        *found,
        token,
        check_plan(profile, probe.wall()),
        look_at_address(wire, probe.settings.static_ip),
        check_master(probe, wire),
    ]


def check_clock(served_at: datetime | None, before: datetime, after: datetime) -> Finding:
    """Compare this machine's clock with the Date header of a reply that was asked for between two moments.

    The header has whole seconds, so the difference lies within a range; it is too large if all of the range is.
    """
    if served_at is None:
        return warn("clock", "the broker's answer has no Date header", "look whether a proxy stands in between")
    skew = clock_skew(served_at, before, after)
    found = f"this machine's clock differs from the broker's by {skew:+.1f} s"
    if abs(skew) <= MOST_SKEW.total_seconds():
        return fine("clock", f"agrees with the broker's to within {MOST_SKEW.total_seconds():.0f} s")
    return fail("clock", found, "let a time service set it (`timedatectl set-ntp true`); one-time passwords need it")


def check_plan(profile: Profile, now: datetime) -> Finding:
    """Check that the account may ask for market data, today and for the next days."""
    until = profile.data_valid_until
    cure = "subscribe to Data APIs on web.dhan.co (Profile, DhanHQ Trading APIs)"
    if not profile.data_plan_active:
        return fail("data plan", "the account has no active data plan: no quotes, charts, chains or feed", cure)
    if until is None:
        return fine("data plan", "active")
    left = (until - now.astimezone(IST).date()).days
    if left < 0:
        return fail("data plan", f"it ended on {until}", cure)
    found = f"active until {until}"
    return warn("data plan", found, cure) if left <= 2 else fine("data plan", found)  # noqa: PLR2004  (a weekend)


def check_addresses(found: Addresses, wanted: str | None, *, is_paper: bool) -> Finding:
    """Compare the address that the broker sees with those that are registered and the one that the settings name."""
    seen = found.detected or "unknown"
    registered = [each for each in (found.primary, found.secondary) if each]
    cure = f"register {seen} on web.dhan.co (an address can be changed once in seven days), or run where it is known"
    if wanted is not None and found.detected not in {None, wanted}:
        return fail("address", f"the broker sees {seen} and ZONEDESK_STATIC_IP is {wanted}", "send orders from there")
    if found.orders_allowed is False or (registered and found.detected and found.detected not in registered):
        said = f"orders are not taken from {seen}; registered: {', '.join(registered) or 'none'}"
        return fail("address", said, cure)
    if not registered and not is_paper:
        return fail("address", "no IP address is registered, so every order would be refused", cure)
    return fine("address", f"orders are taken from {seen}" if registered else "none is registered or needed")


def check_master(probe: Probe, wire: Wire) -> Finding:
    """Check that the instrument master of the market's date is in the folder and reads as we know it."""
    on = probe.market_on
    folder: Path = probe.settings.home / "dhan"
    limiter = Limiter(folder / "limits.sqlite", wire.client_id, wall=lambda: probe.wall().timestamp(), sleep=_never)
    reader = Reader(wire, limiter, sleep=_never, jitter=float)
    names = frozenset(probe.settings.instruments)
    masters = MasterFiles(folder / "instruments", reader, names | frozenset(probe.settings.futures))
    if not masters.has(on):
        found = f"the instruments of {on} are not here yet"
        return warn("master", found, "start the feed, which asks for them") if probe.needed else fine("master", found)
    try:
        master = masters.of(on)
        expiries = {name: master.expiries(name) for name in sorted(names)}
    except DataError as error:
        return fail("master", str(error), "the file was removed; it is asked for again at the next start")
    if empty := [name for name, listed in expiries.items() if not listed]:
        return fail("master", f"{', '.join(empty)} has no options on {on}", "check ZONEDESK_INSTRUMENTS")
    nearest = ", ".join(f"{name} expires on {listed[0]}" for name, listed in expiries.items())
    return fine("master", f"of {on}; {nearest}")


def _token(probe: Probe, wire: Wire, credentials: Credentials) -> tuple[bool, Finding]:
    """Use the token that lives longest, and return whether there is one and what is to be said of it."""
    is_paper, now = wire.address.is_loopback, probe.wall()
    try:
        kept = TokenFile(probe.settings.home / "dhan" / "token.json").read()
        held = [token for token in (kept, credentials.token) if token is not None]
        if not held:
            return False, _no_token(credentials, is_paper=is_paper)
        best: SecretStr = max(held, key=lambda token: claims_of(token).expires_at)
        ends = claims_of(best).expires_at
        if ends > now:
            wire.use_token(best)
    except ConfigError as error:
        return False, fail("token", str(error), _PAPER_TOKEN if is_paper else _NEW_TOKEN)
    found = f"lives until {ends.astimezone(IST):%Y-%m-%d %H:%M} IST"
    if ends > now + LEAST_LIFE:
        return True, fine("token", found)
    if credentials.can_mint:
        return ends > now, warn("token", found, "nothing to do: the desk makes a new one when it starts")
    return ends > now, (warn if ends > now else fail)("token", found, _NEW_TOKEN)


def _no_token(credentials: Credentials, *, is_paper: bool) -> Finding:
    if is_paper:
        return fine("token", "none yet; the paper desk gets one from the exchange when it starts")
    if credentials.can_mint:
        return fine("token", "none yet; one will be made from DHAN_PIN and DHAN_TOTP_SECRET")
    return fail("token", "there is none", _NEW_TOKEN)


def _unanswered(probe: Probe, address: Address, error: UnansweredError) -> Finding:
    if not address.is_loopback:
        return fail("broker", f"{address.rest} does not answer: {error}", "check the network and Dhan's status page")
    found = f"the paper exchange does not answer at {address.rest}"
    if probe.needed:
        return fail("broker", found, "look into its log in the data folder; `zonedesk up` starts it again")
    return fine("broker", f"{found}; it starts with the desk")


def _profile(reply: Reply) -> tuple[Fault | None, Profile | None]:
    """Return what is wrong with the answer, or the profile."""
    fault = classify(reply)
    if fault is not None:
        return fault, None
    try:
        return None, profile_of(reply.json(), reply.served_at)
    except (ConfigError, ValueError) as error:
        return Fault(Trouble.UNREADABLE, reply.status, "", str(error)), None


def _refused(fault: Fault | None, address: Address) -> Finding:
    found = f"the broker refuses the profile: {fault}"
    if fault is not None and fault.trouble is Trouble.ADDRESS:
        return fail("address", found, "register this machine's IP address on web.dhan.co")
    if fault is not None and fault.trouble is Trouble.TOKEN:
        return fail("token", found, _PAPER_TOKEN if address.is_loopback else _NEW_TOKEN)
    if fault is not None and fault.trouble is Trouble.ACCESS:
        return fail("data plan", found, "check plan, segments and API access of the account on web.dhan.co")
    return fail("broker", found, "wait a minute and look again; nothing can be read until it answers")


def look_at_address(wire: Wire, wanted: str | None) -> Finding:
    """Ask the broker from which address it sees us, and say whether orders are taken from there.

    Parameters
    ----------
    wire : Wire
        The account, with a token.
    wanted : str or None
        The address that the settings name.
    """
    is_paper = wire.address.is_loopback
    cure = "register this machine's IP address on web.dhan.co"
    try:
        reply = wire.fetch_as_client("the IP addresses", "GET", "/ip/getIP")
        fault = classify(reply)
        found = check_addresses(addresses_of(reply.json()), wanted, is_paper=is_paper) if fault is None else None
    except (UnansweredError, ValueError, AttributeError) as error:
        return warn("address", f"it could not be asked for: {error}", "look again")
    if fault is None:
        assert found is not None  # as above
        return found
    if fault.trouble is Trouble.ADDRESS:
        return fail("address", f"orders are refused: {fault}", cure)
    if is_paper:
        return fine("address", "none is registered; a paper exchange asks for none unless it is told to")
    return fail("address", f"none seems to be registered: {fault}", cure)


def _never(seconds: float) -> None:
    raise DataError(f"a check does not wait {seconds:.0f} s for the broker; look again")
