"""What a request says of itself, and what every answer of the dashboard says to the browser."""

import base64
import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from functools import cache
from urllib.parse import urlsplit

from starlette.types import Scope

from ui.document import document

Pairs = list[tuple[bytes, bytes]]
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ALWAYS: Pairs = [
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
]
# Files of the program itself, the same for everybody; all else is the desk's own and is kept by nobody.
_PROGRAM = ("/static/", "/_stcore/bidi-components/")


def said_in(scope: Scope) -> Mapping[str, str]:
    """Return the headers of a request by their names in small letters."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def name_in(host: str) -> str:
    """Return the name in a Host header without its port, "" where it is none."""
    if _HOST.fullmatch(host) is None:
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_of_this_machine(scope: Scope) -> bool:
    """Whether a request was sent on this machine; a socket in the file system knows no address."""
    sender = scope.get("client")
    if not sender:
        return True
    try:
        address = ipaddress.ip_address(str(sender[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def is_same_origin(said: Mapping[str, str], public: str | None) -> bool:
    """Whether a request names the dashboard's own page as where it comes from.

    Parameters
    ----------
    said : mapping
        The headers.
    public : str or None
        The dashboard's address behind a proxy.
    """
    origin = said.get("origin", "")
    if public is not None and origin.lower() == public.lower():
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == said.get("host", "").lower()


def is_fetched_by_others(said: Mapping[str, str]) -> bool:
    """Whether a page of another site wants a part of the dashboard; to follow a link to it is no such thing."""
    if said.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        return False
    return said.get("sec-fetch-mode") != "navigate" or said.get("sec-fetch-dest", "document") != "document"


def with_protection(given: Iterable[tuple[bytes, bytes]], path: str, host: str) -> Pairs:
    """Return an answer's headers with those that keep a browser from doing what the dashboard never asks for.

    Parameters
    ----------
    given : iterable of pairs
        The answer's own; a policy among them is kept.
    path : str
        What was asked for.
    host : str
        Under which name, checked before.
    """
    kept = [(name.lower(), value) for name, value in given]
    if not path.startswith(_PROGRAM):
        kept = [*(pair for pair in kept if pair[0] != b"cache-control"), (b"cache-control", b"no-store")]
    names = {name for name, _ in kept}
    if b"content-security-policy" not in names:
        kept.append((b"content-security-policy", policy(host).encode("latin-1")))
    return [*kept, *(pair for pair in _ALWAYS if pair[0] not in names)]


def policy(host: str) -> str:
    """Return what the pages may load: from this server only, and no script that stands in a page itself."""
    sockets = f" ws://{host} wss://{host}" if name_in(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' {_inline_scripts()}".strip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            f"connect-src 'self'{sockets}",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


@cache
def _inline_scripts() -> str:
    """Return the hashes of the scripts that stand in the pages' document."""
    found = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(document()))
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in found)
