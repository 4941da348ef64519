"""Words for systemd by its own protocol, a datagram to the socket that it names; without one nobody is told."""

import os
import socket
from contextlib import suppress

READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"


def tell_systemd(*words: str) -> bool:
    """Tell systemd something and return whether that was sent; a desk that nobody watches runs as well."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # Linux' abstract names begin with a null
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as pipe:
        pipe.sendto("\n".join(words).encode(), address)
        return True
    return False
