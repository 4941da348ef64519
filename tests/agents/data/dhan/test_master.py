"""The instrument master by name of column, and what is found in it."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from agents.data.calendar import NseCalendar
from agents.data.dhan.charts import RollingOption
from agents.data.dhan.master import InstrumentMaster, Listing, parse_master
from agents.data.dhan.master_layouts import MasterChangedError
from agents.data.dhan.resolve import near_future, resolve
from agents.domain.errors import ConfigError, DataError, MissingDataError
from agents.domain.values import IST, OptionType

ON = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=IST)
DETAILED_HEADER = (
    "EXCH_ID,SEGMENT,SECURITY_ID,ISIN,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,DISPLAY_NAME,"
    "INSTRUMENT_TYPE,SERIES,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,EXPIRY_FLAG,SM_UPPER_LIMIT,"
    "SM_LOWER_LIMIT,SM_FREEZE_QTY,"
)
DETAILED = [
    DETAILED_HEADER,
    "NSE,I,13,NA,INDEX,13,NIFTY,NIFTY,Nifty 50,INDEX,NA,1.0,0001-01-01,,XX,0.0500,N,0.0000,0.0000,0,",
    "NSE,I,21,NA,INDEX,21,INDIA VIX,INDIA VIX,India VIX,INDEX,NA,1.0,0001-01-01,,XX,0.0025,N,0.0000,0.0000,0,",
    (
        "NSE,D,53230,NA,FUTIDX,26000,NIFTY,NIFTY-Nov2026-FUT,NIFTY NOV FUT,FUT,NA,65.0,2026-11-23,-0.01000,XX,10.0000,"
        "M,28000.0000,23000.0000,1800,"
    ),
    (
        "NSE,D,53240,NA,FUTIDX,26000,NIFTY,NIFTY-Dec2026-FUT,NIFTY DEC FUT,FUT,NA,65.0,2026-12-29,-0.01000,XX,10.0000,"
        "M,28000.0000,23000.0000,1800,"
    ),
    (
        "NSE,D,35070,NA,OPTIDX,26000,NIFTY,NIFTY-Nov2026-18950-CE,NIFTY 23 NOV 18950 CALL,OP,NA,65.0,2026-11-23,"
        "18950.00000,CE,5.0000,M,4500.4000,3369.3000,1756,"
    ),
    (
        "NSE,D,35071,NA,OPTIDX,26000,NIFTY,NIFTY-Nov2026-18950-CE,NIFTY 01 DEC 18950 CALL,OP,NA,75.0,2026-12-01,"
        "18950.00000,CE,5.0000,W,4500.4000,3369.3000,1756,"
    ),
    (
        "NSE,D,35000,NA,OPTIDX,26009,BANKNIFTY,BANKNIFTY-Nov2026-72600-CE,BANKNIFTY CALL,OP,NA,30.0,2026-11-23,"
        "72600.00000,CE,5.0000,M,20.0500,0.0500,601,"
    ),
    "NSE,D,1,NA,OPTIDX,1,011NSETEST,011NSETEST-Nov2026-1-CE,TEST,OP,NA,1.0,2026-11-23,1.00000,CE,5.0000,M,1,1,1,",
    "NSE,E,2885,INE002A01018,EQUITY,,RELIANCE,RELIANCE,Reliance,ES,EQ,1.0,,,,10.0000,NA,1,1,1,",
]
COMPACT = [
    (
        "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,SEM_TRADING_SYMBOL,"
        "SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_EXPIRY_FLAG,"
        "SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,SM_SYMBOL_NAME"
    ),
    "NSE,I,13,INDEX,0,NIFTY,1.0,Nifty 50,0001-01-01,,XX,0.0500,,INDEX,X,NIFTY",
    "NSE,D,48704,FUTIDX,0,NIFTY-Nov2026-FUT,65.0,NIFTY NOV FUT,2026-11-23 14:30:00,-0.01000,XX,10.0000,M,FUT,,",
    "NSE,D,44430,OPTIDX,0,NIFTY-Nov2026-25800-CE,65.0,NIFTY CALL,2026-11-23 14:30:00,25800.00000,CE,5.0000,W,OP,,",
    "NSE,D,44431,OPTIDX,0,NIFTYNXT50-Nov2026-25800-CE,25.0,X,2026-11-23 14:30:00,25800.00000,CE,5.0000,M,OP,,",
]


@pytest.fixture
def master() -> InstrumentMaster:
    return parse_master(DETAILED, ON, underlyings=frozenset({"NIFTY"}))


def found(name: str, master: InstrumentMaster, at: datetime = NOON) -> Listing:
    what = resolve(name, master, NseCalendar(), at).what
    assert isinstance(what, Listing)
    return what


def test_lot_tick_and_freeze_come_from_the_row(master: InstrumentMaster) -> None:
    near, far = (master.option("NIFTY", on, Decimal(18950), OptionType.CE) for on in master.expiries("NIFTY"))
    assert (near.security_id, near.lot_size, near.tick_size, near.freeze) == (35070, 65, Decimal("0.05"), 1755)
    assert (far.security_id, far.lot_size) == (35071, 75)
    assert (near.upper_limit, near.lower_limit) == (Decimal("4500.4000"), Decimal("3369.3000"))
    future = master.by_id("NSE_FNO", 53230)
    assert (future.tick_size, future.freeze) == (Decimal("0.1"), 1755)
    assert master.index("NIFTY").tick_size == Decimal("0.05")


def test_other_underlyings_tests_and_stocks_are_left_out(master: InstrumentMaster) -> None:
    assert {each.underlying for each in master.listings} == {"NIFTY", "INDIAVIX"}
    everything = parse_master(DETAILED, ON)
    assert {each.underlying for each in everything.listings} == {"NIFTY", "INDIAVIX", "BANKNIFTY"}
    assert everything.by_id("NSE_FNO", 35000).freeze == 600


def test_the_compact_file_names_underlyings_in_its_symbols() -> None:
    master = parse_master(COMPACT, ON, underlyings=frozenset({"NIFTY"}))
    option = master.option("NIFTY", date(2026, 11, 23), Decimal(25800), OptionType.CE)
    assert (option.security_id, option.freeze, len(master.listings)) == (44430, None, 3)


@pytest.mark.parametrize("column", ["SECURITY_ID", "LOT_SIZE", "TICK_SIZE", "SM_FREEZE_QTY", "SM_EXPIRY_DATE"])
def test_a_renamed_column_is_named_loudly(column: str) -> None:
    lines = [DETAILED_HEADER.replace(f",{column},", f",{column}_NEW,"), *DETAILED[1:]]
    with pytest.raises(MasterChangedError, match=column):
        parse_master(lines, ON)


def test_moved_columns_change_nothing(master: InstrumentMaster) -> None:
    turned = [",".join(reversed(line.rstrip(",").split(","))) for line in DETAILED]
    assert parse_master(turned, ON, underlyings=frozenset({"NIFTY"})) == master


@pytest.mark.parametrize("lines", [[], ["<html>"], ["a,b,c"]])
def test_what_is_no_master_is_refused(lines: list[str]) -> None:
    with pytest.raises(DataError, match="no instrument master"):
        parse_master(lines, ON)


@pytest.mark.parametrize(("old", "new"), [(",65.0,", ",six,"), (",5.0000,", ",0.0000,"), ("2026-11-23", "23/11/26")])
def test_an_unreadable_row_is_named(old: str, new: str) -> None:
    with pytest.raises(MasterChangedError, match="line 2"):
        parse_master([DETAILED_HEADER, DETAILED[5].replace(old, new)], ON)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (DETAILED[3].replace("65.0", "nan"), "its lot is 'nan', which is no number"),
        (DETAILED[3].replace("10.0000", "Infinity"), "its tick is 'Infinity', which is no number"),
        (DETAILED[3].replace("1800", "Infinity"), "its freeze is 'Infinity', which is no number"),
        (DETAILED[3][:60], "has 9 cells and needs 20"),
        (DETAILED[3].replace("NIFTY NOV", '"NIFTY NOV'), "opens a quote and never closes it"),
    ],
)
def test_a_broken_row_is_refused_with_its_line_and_what_is_wrong(row: str, words: str) -> None:
    with pytest.raises(MasterChangedError, match=f"line 2 .*{words}"):
        parse_master([DETAILED_HEADER, row, *DETAILED[4:]], ON)


def test_a_byte_order_mark_blank_lines_and_spaces_change_nothing(master: InstrumentMaster) -> None:
    spaced = ["\ufeff" + DETAILED_HEADER, "", *(line.replace(",FUTIDX,", ", FUTIDX ,") for line in DETAILED[1:]), ""]
    assert parse_master(spaced, ON, underlyings=frozenset({"NIFTY"})) == master


def test_names_of_the_desk_are_resolved(master: InstrumentMaster) -> None:
    assert found("NIFTY", master).security_id == 13
    assert found("India VIX", master).security_id == 21
    assert found("NIFTY-I", master).security_id == 53230
    assert found("NIFTY-II", master).security_id == 53240
    assert found("NIFTY26DECFUT", master).security_id == 53240
    assert found("NIFTY26112318950CE", master).security_id == 35070
    rolling = resolve("NIFTY-ATM-2-PE", master, NseCalendar(), NOON).what
    assert isinstance(rolling, RollingOption)
    assert (rolling.strike, rolling.right, rolling.name) == ("ATM-2", OptionType.PE, "NIFTY-ATM-2-PE")


def test_the_near_future_rolls_when_derivatives_close_on_its_last_day(master: InstrumentMaster) -> None:
    calendar = NseCalendar()
    for at, security_id in (
        (datetime(2026, 11, 23, 15, 39, 59, tzinfo=IST), 53230),
        (datetime(2026, 11, 23, 15, 40, tzinfo=IST), 53240),
        (datetime(2026, 11, 24, 9, 0, tzinfo=IST), 53240),
    ):
        assert near_future("NIFTY", master, calendar, at).security_id == security_id
    assert resolve("NIFTY-I", master, calendar, NOON).since == date(2026, 10, 28)


@pytest.mark.parametrize("name", ["NIFTY-III", "NIFTY26OCTFUT", "NIFTY26112319000CE", "SENSEX"])
def test_what_is_not_listed_is_missing(name: str, master: InstrumentMaster) -> None:
    with pytest.raises(MissingDataError, match=str(ON)):
        resolve(name, master, NseCalendar(), NOON)


def test_a_stock_is_not_served(master: InstrumentMaster) -> None:
    with pytest.raises(ConfigError, match="stock"):
        resolve("RELIANCE", master, NseCalendar(), NOON)
