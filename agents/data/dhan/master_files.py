"""Today's instrument master: asked for once a day, kept in a file for all processes."""

import gzip
import logging
import os
import zlib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from agents.data.dhan.errors import DhanError, Trouble
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.master import (
    DERIVATIVES,
    INDEX_SEGMENT,
    InstrumentMaster,
    Listing,
    parse_master,
)
from agents.data.dhan.master_layouts import MasterChangedError
from agents.data.dhan.reader import Reader
from agents.domain.errors import DataError

DAYS_KEPT = 5
INDEX_TICK = Decimal("0.05")
# Ids of indices have not changed since they are documented; they serve where Dhan lists no indices by segment.
INDEX_IDS = {"NIFTY": 13, "BANKNIFTY": 25, "FINNIFTY": 27, "MIDCPNIFTY": 442, "INDIAVIX": 21}

_log = logging.getLogger(__name__)


class MasterFiles:
    """The masters of the last days, in a folder.

    Parameters
    ----------
    folder : Path
        Where the files are kept, one a day and segment.
    reader : Reader
        How to ask.
    underlyings : frozenset of str
        Whose futures and options matter.
    """

    def __init__(self, folder: Path, reader: Reader, underlyings: frozenset[str]) -> None:
        self._folder = folder
        self._reader = reader
        self._underlyings = underlyings
        self._known: InstrumentMaster | None = None

    def of(self, on: date) -> InstrumentMaster:
        """Return the master of a date: the one at hand, the one in the folder, else Dhan's present one.

        Raises
        ------
        MasterChangedError
            If its columns are not those we know.
        DataError
            If it has no derivatives of ours, and as `Reader.reply`.
        """
        if self._known is None or self._known.on != on:
            self._known = self._load(on)
        return self._known

    def has(self, on: date) -> bool:
        """Whether the master of a date is in the folder."""
        return self._path(on, DERIVATIVES).is_file()

    def _load(self, on: date) -> InstrumentMaster:
        path = self._path(on, DERIVATIVES)
        try:
            derivatives = parse_master(self._lines(on, DERIVATIVES), on, underlyings=self._underlyings).listings
        except MasterChangedError:
            path.unlink(missing_ok=True)
            raise
        if all(each.kind == "index" for each in derivatives):
            path.unlink(missing_ok=True)
            names = ", ".join(sorted(self._underlyings))
            raise DataError(f"the instrument master of {on} lists no derivatives of {names}; ask again later")
        return InstrumentMaster(on, (*self._indices(on), *derivatives))

    def _indices(self, on: date) -> Sequence[Listing]:
        try:
            lines = self._lines(on, INDEX_SEGMENT)
        except DhanError as error:
            if error.fault is None or error.fault.trouble not in {Trouble.NO_SUCH_PATH, Trouble.REQUEST}:
                raise
            _log.warning("no master of indices, the documented ids are used: %s", error)
            return [_documented(name, number) for name, number in INDEX_IDS.items()]
        return parse_master(lines, on).listings

    def _lines(self, on: date, segment: str) -> list[str]:
        path = self._path(on, segment)
        if not path.is_file():
            what = f"the instrument master of {segment}"
            url = f"{self._reader.wire.address.rest}/instrument/{segment}"
            reply = self._reader.file(what, CallKind.OTHER, lambda: self._reader.wire.fetch(what, "GET", url))
            self._keep(path, reply.body)
        try:
            return gzip.decompress(path.read_bytes()).decode("utf-8-sig").splitlines()
        except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
            path.unlink(missing_ok=True)
            raise MasterChangedError(
                f"{path} was damaged ({error}) and is removed; ask again and it is fetched anew"
            ) from error

    def _keep(self, path: Path, body: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_bytes(gzip.compress(body, compresslevel=3))
        draft.replace(path)
        segment = path.name.partition(".")[0].partition("-")[0]
        for old in sorted(self._folder.glob(f"{segment}-*.csv.gz"))[:-DAYS_KEPT]:
            old.unlink(missing_ok=True)

    def _path(self, on: date, segment: str) -> Path:
        return self._folder / f"{segment}-{on}.csv.gz"


def _documented(name: str, security_id: int) -> Listing:
    return Listing(
        segment=INDEX_SEGMENT,
        security_id=security_id,
        kind="index",
        underlying=name,
        symbol=name,
        lot_size=1,
        tick_size=INDEX_TICK,
    )
