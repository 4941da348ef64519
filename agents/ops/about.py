"""What the present work is about: ids that every line of the log carries which is written meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=_NONE)


@contextmanager
def about(
    *,
    run_id: str | None = None,
    cycle_id: str | None = None,
    setup_id: str | None = None,
    correlation_id: str | None = None,
) -> Iterator[None]:
    """Add these ids to every line that is logged inside, in this thread or task."""
    ids = {"run_id": run_id, "cycle_id": cycle_id, "setup_id": setup_id, "correlation_id": correlation_id}
    before = _ids.set({**_ids.get(), **{name: value for name, value in ids.items() if value is not None}})
    try:
        yield
    finally:
        _ids.reset(before)


def ids() -> Mapping[str, str]:
    """Return the ids of what this thread or task is about."""
    return _ids.get()
