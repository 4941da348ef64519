"""Logs of all processes of a desk: one file of JSON lines that they share, and lines for people on standard error.

Everything that is logged passes here, whoever logs it: our modules and libraries use `logging` as ever. What a line is
about (`about`) is added by itself. Secrets are taken out of each value before a line is made, and once more, as the
last step, out of the finished line with its traceback. Tracebacks name no local variables, since those hold secrets.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

import structlog
from concurrent_log_handler import ConcurrentRotatingFileHandler
from pydantic import SecretStr
from structlog.processors import ExceptionRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from agents.data.dhan.redaction import cleaned, hide, process_redactor
from agents.ops.about import ids
from agents.ops.sweep import LOG_FILE
from agents.settings import Settings

FILE_BYTES: Final = 100_000_000
FILES: Final = 10_000  # no bound: age decides, see `sweep`
_OURS: Final = ("agents", "pipelines", "zonedesk", "ui", "exchange", "analytics_ext")
_SHORTEST_SECRET: Final = 4
MARK: Final = "_zonedesk_handler"
"""What handlers of ours have set, so that configuring anew replaces them."""
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def configure_logs(
    settings: Settings,
    process: str,
    *,
    console: bool = True,
    least: int = logging.INFO,
    file_bytes: int = FILE_BYTES,
) -> None:
    """Send everything this process logs to the desk's log, and to standard error if `console`.

    Our modules log from INFO on, everyone else from WARNING on: the HTTP libraries name addresses below that, which
    may hold secrets. May be called again; the last call counts.

    Parameters
    ----------
    settings : Settings
        Names the folder, ``<home>/logs``; its secrets never appear in a line.
    process : str
        Which process speaks: "guardian", "feed".
    console : bool
        Whether lines for people are written too.
    least : int
        The level from which on they are.
    file_bytes : int
        How large the file grows before it is packed away as ``zonedesk.log.1.gz``.

    Raises
    ------
    OSError
        If the folder cannot be made.
    """
    process_redactor()
    hide_secrets(settings)
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [desk_file(folder / LOG_FILE, process, file_bytes)]
    if console:
        handlers.append(_console(process, least))
    root = logging.getLogger()
    for old in [each for each in root.handlers if getattr(each, MARK, False)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        # What the broker's client shouts into the root logger is said better by its caller.
        handler.addFilter(lambda record: record.name != "root")
        setattr(handler, MARK, True)
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)


def desk_file(path: Path, process: str, file_bytes: int = FILE_BYTES) -> logging.Handler:
    """Return a handler that adds JSON lines to a file which any number of processes write and rotate together."""
    handler = ConcurrentRotatingFileHandler(
        str(path), maxBytes=file_bytes, backupCount=FILES, encoding="utf-8", use_gzip=True
    )
    handler.setFormatter(_CleanFormatter(process, structlog.processors.JSONRenderer(ensure_ascii=False, default=str)))
    return handler


def hide_secrets(settings: Settings) -> None:
    """Keep every secret of the settings out of whatever this process says from now on."""
    for name in type(settings).model_fields:
        for secret in _secrets(getattr(settings, name)):
            if len(secret) >= _SHORTEST_SECRET:
                hide(secret)


class _CleanFormatter(ProcessorFormatter):
    """Makes a line of a record, and takes what is secret out of it at the very end."""

    def __init__(self, process: str, renderer: Processor) -> None:
        def named(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
            line["process"] = process
            return line

        super().__init__(
            foreign_pre_chain=[
                _subject,
                add_log_level,
                add_logger_name,
                _extras,
                TimeStamper(fmt="iso", utc=True, key="at"),
            ],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                named,
                ExceptionRenderer(),  # plain tracebacks
                _without_secrets,
                renderer,
            ],
            keep_exc_info=False,
            keep_stack_info=False,
        )

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        clean = cleaned(line)
        return line if clean == line else _still_json(line, clean)


class _HumanLine:
    """Renders a line for people: time, process, level, what happened, what it is about."""

    def __call__(self, _logger: WrappedLogger, _method: str, line: MutableMapping[str, Any]) -> str:  # Any: structlog's
        facts = dict(line)
        at, level = str(facts.pop("at"))[11:19], str(facts.pop("level")).upper()
        process, logger, event = facts.pop("process"), facts.pop("logger", ""), facts.pop("event")
        trace = facts.pop("exception", "")
        rest = "".join(f" {name}={value}" for name, value in facts.items())
        text = f"{at} {process} {level:7} {event}{rest} ({logger})"
        return f"{text}\n{trace}" if trace else text


def _console(process: str, least: int) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(least)
    handler.setFormatter(_CleanFormatter(process, _HumanLine()))
    return handler


def _still_json(line: str, clean: str) -> str:
    """Return a cleaned line; where cleaning broke its JSON, as the text of a new one."""
    if not line.startswith("{"):
        return clean
    try:
        json.loads(clean)
    except json.JSONDecodeError:
        return json.dumps({"event": clean}, ensure_ascii=False)
    return clean


def _extras(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Add what a record brings along, and the traceback of one whose traceback was cleaned when it was made."""
    record: logging.LogRecord = line["_record"]
    line.update({name: value for name, value in vars(record).items() if name not in _USUAL})
    if record.exc_text and not record.exc_info:
        line["exception"] = record.exc_text
    return line


def _subject(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Add what the line is about; what the record itself brings along counts more."""
    line.update(ids())
    return line


def _without_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    return {name: _cleaned_value(value) for name, value in line.items()}


def _cleaned_value(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _cleaned_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned_value(each) for each in value]
    return value if isinstance(value, int | float | bool | None) else cleaned(str(value))


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield from value.get_secret_value().split()
    elif isinstance(value, tuple):
        for each in value:
            yield from _secrets(each)
