"""Ports of this machine: which are free, and what answers."""

import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from agents.domain.errors import ConfigError

HOST = "127.0.0.1"
ASK_SECONDS = 1.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is never asked through a proxy


def is_free(port: int) -> bool:
    """Whether something may listen on `port` of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def refuse_busy(ports: Mapping[str, int]) -> None:
    """Raise `ConfigError` for the first port that is taken.

    Parameters
    ----------
    ports : mapping
        Port by the name of the setting that chooses it, such as ``ZONEDESK_DAGSTER_PORT``.
    """
    for setting, port in ports.items():
        if not is_free(port):
            raise ConfigError(f"port {port} is taken by another program; end that one or set {setting} to a free port")


def answers(url: str) -> bool:
    """Whether an address answers: a connection for ``tcp://``, a good reply for ``http://``."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "tcp":
            with socket.create_connection((parts.hostname or HOST, parts.port or 0), ASK_SECONDS):
                return True
        with _DIRECT.open(url, timeout=ASK_SECONDS) as reply:
            return bool(reply.status == 200)  # noqa: PLR2004  (OK)
    except (OSError, urllib.error.URLError):
        return False


def is_reachable(url: str) -> bool:
    """Whether an HTTP server answers at an address, whatever it says."""
    try:
        with _DIRECT.open(url, timeout=ASK_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, urllib.error.URLError):
        return False
