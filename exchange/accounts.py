"""The clients of the exchange: who they are, which token is theirs now, from where they may trade.

Tokens live in the machine's time, not the market's, because a client reads their end from the token itself.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from exchange.clock import Millis
from exchange.tokens import LIFE, Claims, TokenMalformedError, mint, read, totp_holds

IpFlag = Literal["PRIMARY", "SECONDARY"]
MintedBy = Literal["web", "totp"]
Refused = Literal["malformed", "expired", "replaced", "client"]

GENERATE_EVERY = 120_000
IP_CHANGE_EVERY = 7 * 86_400_000
OPENING_BALANCE = 100_000_000  # paise: ten lakh rupees
SAMPLE_SECRET = "JBSWY3DPEHPK3PXP"  # noqa: S105 - the example of every one-time password manual; opens nothing else


class RefusedError(Exception):
    """A request about an account was refused; the message is what the client is told."""


class TokenRefusedError(Exception):
    """A token does not open an account; `why` decides what the feed says."""

    def __init__(self, why: Refused) -> None:
        super().__init__(f"the token is refused ({why}); generate a new one")
        self.why: Refused = why


@dataclass
class Account:
    """One client; money in paise, `totp_secret` in base32.

    `minted_by` tells how the token in force was made: only tokens made on the web may be renewed. With `needs_ip`,
    orders are taken from the listed addresses only.
    """

    client_id: str
    name: str = "PAPER TRADER"
    pin: str = field(default="123456", repr=False)
    totp_secret: str = field(default=SAMPLE_SECRET, repr=False)
    opening_balance: int = OPENING_BALANCE
    data_plan: bool = True
    needs_ip: bool = False
    ips: dict[IpFlag, str] = field(default_factory=dict)
    ips_changed: dict[IpFlag, Millis] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    token_made: Millis = 0
    token_ends: Millis = 0
    tokens_minted: int = 0
    minted_by: MintedBy = "web"
    generated_at: Millis | None = None

    def orders_allowed(self, ip: str) -> bool:
        """Return whether orders may come from an address."""
        return not self.needs_ip or ip in self.ips.values()

    def set_ip(self, flag: IpFlag, ip: str, at: Millis) -> None:
        """Write down an address for the first time.

        Raises
        ------
        RefusedError
            If it is no address, or one is set already.
        """
        if flag in self.ips:
            raise RefusedError("IP already set. Use modify IP to change it")
        self._write_ip(flag, ip, at)

    def modify_ip(self, flag: IpFlag, ip: str, at: Millis) -> None:
        """Change an address, which is allowed once in seven days.

        Raises
        ------
        RefusedError
            If it is no address, none is set yet, or the last change is too recent.
        """
        if flag not in self.ips:
            raise RefusedError("IP not set. Use set IP first")
        if at - self.ips_changed[flag] < IP_CHANGE_EVERY:
            raise RefusedError("IP can be modified only once in 7 days")
        self._write_ip(flag, ip, at)

    def _write_ip(self, flag: IpFlag, ip: str, at: Millis) -> None:
        try:
            self.ips[flag] = str(ipaddress.ip_address(ip))
        except ValueError as error:
            raise RefusedError("Invalid IP") from error
        self.ips_changed[flag] = at


class Accounts:
    """All clients, and the key that signs their tokens.

    Parameters
    ----------
    seed : int
        Makes the key, so that the same seed and moments mint the same tokens.
    clients : iterable of Account, optional
        Known from the start.
    """

    def __init__(self, seed: int, clients: Iterable[Account] = ()) -> None:
        self._key = hashlib.sha256(f"paper exchange {seed}".encode()).digest()
        self._clients = {account.client_id: account for account in clients}

    def all(self) -> Sequence[Account]:
        """Return the clients in the order in which they came."""
        return list(self._clients.values())

    def add(self, account: Account) -> None:
        """Take a client in.

        Raises
        ------
        RefusedError
            If there is one with that id.
        """
        if account.client_id in self._clients:
            raise RefusedError(f"client {account.client_id} exists; choose another id")
        self._clients[account.client_id] = account

    def find(self, client_id: str) -> Account | None:
        """Return a client, or None."""
        return self._clients.get(client_id)

    def issue(self, client_id: str, at: Millis, *, minted_by: MintedBy = "web", life: Millis = LIFE) -> str:
        """Mint a token as the client's only one; the one before is dead at once.

        Raises
        ------
        RefusedError
            If there is no such client.
        """
        account = self._clients.get(client_id)
        if account is None:
            raise RefusedError("Invalid Client Id")
        account.tokens_minted += 1
        account.token_made, account.token_ends, account.minted_by = at, at + life, minted_by
        self.mint_again(account)
        return account.token

    def mint_again(self, account: Account) -> None:
        """Make a client's latest token of what it says; the same claims make the same token."""
        ends = account.token_ends // 1000
        claims = Claims(account.client_id, account.token_made // 1000, ends, account.tokens_minted)
        account.token = mint(self._key, claims)

    def generate(self, client_id: str, pin: str, password: str, at: Millis) -> str:
        """Mint a token for a PIN and a one-time password, at most once in two minutes.

        Raises
        ------
        RefusedError
            If client, PIN or password is wrong, or it is too soon.
        """
        account = self._clients.get(client_id)
        if account is None:
            raise RefusedError("Invalid Client Id")
        if not hmac.compare_digest(account.pin.encode(), pin.encode()):
            raise RefusedError("Invalid Pin")
        if not totp_holds(account.totp_secret, password, at):
            raise RefusedError("Invalid TOTP")
        if account.generated_at is not None and 0 <= at - account.generated_at < GENERATE_EVERY:
            raise RefusedError("Token can be generated once every 2 minutes")
        account.generated_at = at
        return self.issue(client_id, at, minted_by="totp")

    def renew(self, token: str, client_id: str, at: Millis) -> str:
        """Mint a token for one that is alive and was made on the web.

        Raises
        ------
        TokenRefusedError
            If the token is not in force.
        RefusedError
            If it was made with a one-time password.
        """
        account = self.authenticate(token, at, client_id=client_id)
        if account.minted_by != "web":
            raise RefusedError("Token cannot be renewed. Generate a new token")
        return self.issue(client_id, at)

    def authenticate(self, token: str, at: Millis, *, client_id: str = "") -> Account:
        """Return whose token this is, if it is in force; a `client_id` that is given must be the same.

        Raises
        ------
        TokenRefusedError
            If it was not minted here, is over, was replaced by a newer one, or belongs to another client.
        """
        try:
            claims = read(self._key, token)
        except TokenMalformedError:
            raise TokenRefusedError("malformed") from None
        account = self._clients.get(claims.client_id)
        if account is None or (client_id and client_id != claims.client_id):
            raise TokenRefusedError("client")
        if at >= claims.expires_at * 1000:
            raise TokenRefusedError("expired")
        if token != account.token:
            raise TokenRefusedError("replaced")
        return account

    def revoke(self, client_id: str) -> None:
        """End a client's token without telling anyone, as the live server sometimes does."""
        account = self._clients.get(client_id)
        if account is not None:
            account.token = ""
