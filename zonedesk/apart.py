"""Work in a process of its own that ends with the work.

A process that runs for months then does not keep what a minute of it needed: pandas, DuckDB and Dagster.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from agents.domain.errors import ConfigError, DataError, TradingError

Say = Callable[[str], None]
Step = Callable[[int, int], None]
T = TypeVar("T")

_PR_SET_PDEATHSIG = 1
_END_SECONDS = 10.0
_SAY, _STEP, _DONE, _FAILED, _MISSET = "say", "step", "done", "failed", "misset"


def apart(work: Callable[[Say, Step], T], say: Say, step: Step) -> T:
    """Do some work in another process and return its result, which must bear being pickled.

    Call it before any thread is started, since the other process is a fork of this one. It ends with this process.

    Parameters
    ----------
    work : callable
        Is given what to tell of its progress.
    say, step : callable
        Are told here what the work tells there.

    Raises
    ------
    ConfigError
        If the work raised one; the text is its own.
    DataError
        If the work raised another of our errors, or its process was killed.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, work, os.getpid()), daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            kind, *facts = ours.recv()
            if kind == _SAY:
                say(*facts)
            elif kind == _STEP:
                step(*facts)
            elif kind == _DONE:
                result: T = facts[0]
                return result
            else:
                raise (ConfigError if kind == _MISSET else DataError)(*facts)
    except EOFError as error:
        process.join(_END_SECONDS)
        raise DataError(
            f"the process that prepared the desk ended with exit code {process.exitcode}; start it again"
        ) from error
    finally:
        ours.close()
        if process.is_alive():
            process.terminate()
        process.join(_END_SECONDS)


def _work(pipe: Connection, work: Callable[[Say, Step], T], parent: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we could ask to end with it
        return
    try:
        result = work(lambda text: pipe.send((_SAY, text)), lambda done, total: pipe.send((_STEP, done, total)))
    except ConfigError as error:
        pipe.send((_MISSET, str(error)))
    except TradingError as error:
        pipe.send((_FAILED, str(error)))
    else:
        pipe.send((_DONE, result))
