"""The ports of the exchange: taken first, opened when all is ready."""

import socket


class PortTakenError(OSError):
    """Another program listens where the exchange should."""


def bind(host: str, port: int) -> socket.socket:
    """Return a port that is ours, where nobody can connect yet. Raises `PortTakenError`."""
    # asyncio sends small pieces at once only where the protocol is named; otherwise each answer waits for 40 ms.
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        raise _taken(door, port) from error
    door.setblocking(False)
    return door


def listen(door: socket.socket) -> None:
    """Let others connect. Raises `PortTakenError`."""
    port = int(door.getsockname()[1])
    try:
        door.listen()
    except OSError as error:
        raise _taken(door, port) from error


def _taken(door: socket.socket, port: int) -> PortTakenError:
    door.close()
    return PortTakenError(f"port {port} is in use; stop what listens there or choose another port")
