"""A wire that a test can cut: a TCP proxy that refuses, or stands still with its sockets open."""

import contextlib
import selectors
import socket
import threading


class Wire:
    """Forwards one loopback port to another, until it is told otherwise."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._door: socket.socket | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.stands_still = False
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.restore()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        with self._lock:
            if self._door is not None:
                self._door.close()
                self._door = None
            for each in list(self._pairs):
                each.close()
            self._pairs.clear()

    def restore(self) -> None:
        """Let everything through again."""
        self.stands_still = False
        with self._lock:
            if self._door is None:
                self._door = socket.socket()
                self._door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._door.bind(("127.0.0.1", self.port))
                self._door.listen()
                self._door.setblocking(False)

    def end(self) -> None:
        self._ended.set()
        self._thread.join(5)
        self.cut()

    def _run(self) -> None:
        while not self._ended.wait(0.005):
            if self.stands_still:
                continue
            with self._lock, selectors.DefaultSelector() as ready:
                for each in ([self._door] if self._door else []) + list(self._pairs):
                    ready.register(each, selectors.EVENT_READ)
                for key, _ in ready.select(0):
                    self._serve(key.fileobj)

    def _serve(self, each: object) -> None:
        assert isinstance(each, socket.socket)
        if each is self._door:
            self._accept(each)
        elif each in self._pairs:
            with contextlib.suppress(OSError):  # one side has gone: the other goes too
                heard = each.recv(1 << 18)
                if heard:
                    self._pairs[each].sendall(heard)
                    return
            other = self._pairs.pop(each)
            self._pairs.pop(other, None)
            each.close()
            other.close()

    def _accept(self, door: socket.socket) -> None:
        ours, _ = door.accept()
        try:
            theirs = socket.create_connection(("127.0.0.1", self._target), 2)
        except OSError:
            ours.close()
            return
        self._pairs |= {ours: theirs, theirs: ours}
