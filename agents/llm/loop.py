"""One event loop in a thread of its own, for callers that are not asynchronous.

Unlike ``asyncio.run`` it keeps connections between calls, works where a loop is already running, and does not wait for
threads that hang in a name lookup after a deadline has passed.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

THREADS = 32


class LoopThread:
    """Starts with the first call and ends with the process or `close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread and return its result, or raise what it raised."""
        return asyncio.run_coroutine_threadsafe(work, self._running()).result()

    def close(self) -> None:
        """Stop the loop; the next `run` starts another."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # Name lookups that hang keep a thread for longer than any deadline; the ledger must still get one.
                self._loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix=self._name))
                threading.Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True).start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
