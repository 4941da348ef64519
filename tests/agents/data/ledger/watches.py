"""A clock for tests of the ledger."""

from datetime import UTC, datetime, timedelta

AT = datetime(2024, 6, 5, 6, 0, tzinfo=UTC)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
