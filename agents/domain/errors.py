"""What can go wrong, sorted by what the caller may do about it."""


class TradingError(Exception):
    """Any fault of ours. `retryable` says whether trying the same thing again can help."""

    retryable = False


class ConfigError(TradingError):
    """A person must act before this can work: a missing key, a wrong mode, an unwritable folder."""


class WrongModeError(ConfigError):
    """A store or ledger of another mode was opened."""


class DataError(TradingError):
    """The market data cannot answer; skip this cycle."""


class StaleDataError(DataError):
    """The data is older than the decision may use."""


class BadCandleError(DataError):
    """A candle breaks a rule that no repair covers."""


class MissingDataError(DataError):
    """Nothing is stored for what was asked."""


class StoreBusyError(DataError):
    """The store stayed locked for longer than anyone should wait."""

    retryable = True


class JudgeError(TradingError):
    """No verdict came; the zone or setup stays unconfirmed."""


class JudgeUnavailableError(JudgeError):
    """The model could not be reached in time."""

    retryable = True


class JudgeMalformedError(JudgeError):
    """The model answered, and the answer is not one we accept."""


class RecordedReplyMissingError(JudgeError):
    """A replay asked for a reply that was never recorded; it never calls the model instead."""


class BrokerError(TradingError):
    """The broker did not do the whole thing."""


class BrokerUnavailableError(BrokerError):
    """A read failed; reading again is safe."""

    retryable = True


class OrderRejectedError(BrokerError):
    """The broker refused the order; never send it again unchanged."""


class OrderUnknownError(BrokerError):
    """No reply came; reconcile before anything else is sent."""


class LeaseLostError(TradingError):
    """Another process holds the lease now; stop acting at once."""


class InvariantViolationError(TradingError):
    """Something that cannot be has happened: stop opening, keep protecting."""
