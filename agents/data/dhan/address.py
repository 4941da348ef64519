"""Where Dhan answers: the live servers, or something on this machine that speaks like them."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from agents.domain.errors import ConfigError

PAPER_TOKEN = "paper."  # noqa: S105 - what tokens of a paper exchange begin with
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Address:
    """The base addresses of one server; `rest` ends with the version, none of them with a slash."""

    rest: str = "https://api.dhan.co/v2"
    auth: str = "https://auth.dhan.co"

    @classmethod
    def on_loopback(cls, port: int) -> "Address":
        """Return the address of a paper exchange on this machine."""
        return cls(rest=f"http://127.0.0.1:{port}/v2", auth=f"http://127.0.0.1:{port}")

    @property
    def is_loopback(self) -> bool:
        """Whether everything stays on this machine."""
        return all(urlsplit(url).hostname in _LOOPBACK for url in (self.rest, self.auth))

    def refuse_wrong_token(self, token: str) -> None:
        """Raise `ConfigError` if a paper token would go to a live server or a live token to a paper one."""
        if self.is_loopback and not token.startswith(PAPER_TOKEN):
            raise ConfigError(
                f"{self.rest} is a paper exchange and the token is not one of its own; take a paper token"
            )
        if not self.is_loopback and token.startswith(PAPER_TOKEN):
            raise ConfigError(f"a paper token does not open {self.rest}; set DHAN_ACCESS_TOKEN to a live one")
