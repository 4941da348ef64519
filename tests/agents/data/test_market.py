"""What the store answers as a market: nothing later than the moment asked for."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from agents.data.calendar import NseCalendar
from agents.data.clock import ReplayClock
from agents.data.contracts import expiry_at
from agents.data.importer import import_file
from agents.data.market import StoreMarket, last_stored
from agents.data.names import contract_name, instrument_from
from agents.data.store import Store
from agents.data.writing import store_candles, store_option_quotes
from agents.domain.errors import MissingDataError
from agents.domain.market import Instrument, InstrumentKind
from agents.domain.values import IST, OptionType
from agents.ports import MarketData

DAY = date(2022, 11, 10)
NEXT_WEEK = date(2022, 11, 17)
TICK = Decimal("0.05")
LATE = datetime(2030, 1, 1, tzinfo=UTC)
INDEX = Instrument(name="NIFTY", kind=InstrumentKind.INDEX, tick_size=TICK)
CALL = contract_name("NIFTY", DAY, Decimal(18_000), OptionType.CE)
PUT = contract_name("NIFTY", NEXT_WEEK, Decimal(18_000), OptionType.PE)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market.duckdb", "replay", now=lambda: LATE)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime.combine(DAY, time(hour, minute, second), tzinfo=IST)


def put(store: Store, name: str, opens: list[datetime], price: int, *, source: str = "feed") -> None:
    """Store one-minute candles whose closes rise by one tick from `price`."""
    opened = pd.DatetimeIndex(opens)
    closes = [price + step for step in range(len(opens))]
    prices = {"open": closes, "high": closes, "low": closes, "close": closes}
    times = {"opened_at": opened, "closed_at": opened + timedelta(minutes=1), "session": DAY}
    counts = {"volume": 50, "open_interest": [1000 + step for step in range(len(opens))]}
    frame = pd.DataFrame({"instrument": name, "minutes": 1, **times, **prices, **counts})
    store_candles(store, [instrument_from(name, TICK)], frame, source=source)


def minutes_from(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(minutes=step) for step in range(count)]


def snapshot(
    store: Store, quoted: datetime, expiry: date, bid: int | None, *, source: str = "feed", strike: int = 18_000
) -> None:
    key = {"underlying": "NIFTY", "quoted_at": quoted, "expiry_on": expiry, "strike": Decimal(strike)}
    row = {"option_type": "CE", "bid": bid, "ask": 210, "bid_quantity": 50, "ask_quantity": 50, "ltp": 205, "iv": 12.0}
    counts = {"open_interest": 5000, "open_interest_change": 0, "volume": 700}
    frame = pd.DataFrame([{**key, **row, **counts}]).astype({"bid": "Int64"})
    store_option_quotes(store, frame, source=source)


def test_a_quote_is_the_last_close_and_its_age(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 10), 360_000)
    quote = StoreMarket(store).quote("NIFTY", at(9, 18, 30))
    assert (quote.ltp, quote.at, quote.bid) == (Decimal("18000.10"), at(9, 18), None)


def test_before_the_first_candle_the_last_session_is_quoted(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 3), 360_000)
    market = StoreMarket(store)
    with pytest.raises(MissingDataError, match="no price by"):
        market.quote("NIFTY", at(9, 15))
    assert market.quote("NIFTY", at(9, 10) + timedelta(days=1)).at == at(9, 18)


def test_what_is_stored_later_is_seen_at_the_live_edge(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 3), 360_000)
    market = StoreMarket(store)
    assert market.quote("NIFTY", at(9, 18)).at == at(9, 18)
    put(store, "NIFTY", [at(9, 18)], 360_100)
    assert market.quote("NIFTY", at(9, 19)).at == at(9, 19)


def test_minutes_are_those_closed_in_the_span(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 10), 360_000)
    market = StoreMarket(store)
    candles = market.minutes("NIFTY", at(9, 18), at(9, 21))
    assert candles.close.tolist() == [360_003, 360_004, 360_005]
    assert len(market.minutes("NIFTY", at(9, 25), at(9, 28))) == 0
    assert len(market.minutes("NIFTY", at(9, 20) - timedelta(days=1), at(9, 20))) == 5
    with pytest.raises(MissingDataError):
        market.minutes("FINNIFTY", at(9, 18), at(9, 21))


def test_a_chain_without_snapshots_is_made_of_candles(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 30), 360_000)
    put(store, CALL, minutes_from(at(9, 15), 30), 1000)
    put(store, PUT, minutes_from(at(9, 15), 30), 3000)
    chain = StoreMarket(store).chain("NIFTY", at(9, 30), min_minutes=90)
    (quote,) = chain.quotes
    assert (chain.expiry_at, chain.at, chain.spot) == (expiry_at(DAY), at(9, 30), Decimal("18000.70"))
    assert (quote.ltp, quote.bid, quote.open_interest, quote.volume) == (Decimal("50.70"), None, 1014, 15 * 50)
    assert (quote.contract.lot_size, quote.contract.strike, quote.contract.instrument) == (50, Decimal(18_000), CALL)
    assert chain.synthetic is False


def test_the_nearest_expiry_that_is_far_enough_is_taken(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(14, 0), 30), 360_000)
    put(store, CALL, minutes_from(at(14, 0), 30), 1000)
    put(store, PUT, minutes_from(at(14, 0), 30), 3000)
    market = StoreMarket(store)
    assert market.chain("NIFTY", at(14, 0, 59) + timedelta(seconds=1), min_minutes=89).expiry_at == expiry_at(DAY)
    assert market.chain("NIFTY", at(14, 10), min_minutes=90).expiry_at == expiry_at(NEXT_WEEK)


def test_recent_snapshots_are_preferred_and_old_ones_are_not_used(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 60), 360_000)
    put(store, CALL, minutes_from(at(9, 15), 60), 1000)
    snapshot(store, at(9, 20, 10), DAY, bid=200)
    market = StoreMarket(store)
    (fresh,) = market.chain("NIFTY", at(9, 24), min_minutes=90).quotes
    assert (fresh.bid, fresh.ask, fresh.ltp, fresh.at) == (
        Decimal(10),
        Decimal("10.5"),
        Decimal("10.25"),
        at(9, 20, 10),
    )
    (stale,) = market.chain("NIFTY", at(9, 26), min_minutes=90).quotes
    assert (stale.bid, stale.at) == (None, at(9, 26))
    (before,) = market.chain("NIFTY", at(9, 20), min_minutes=90).quotes
    assert before.bid is None


def test_a_chain_is_one_snapshot_and_never_a_mixture(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 60), 360_000)
    for strike in (18_000, 18_050):
        snapshot(store, at(9, 20), DAY, bid=200, strike=strike)
    snapshot(store, at(9, 23), DAY, bid=204)
    market = StoreMarket(store)
    assert [quote.contract.strike for quote in market.chain("NIFTY", at(9, 22), min_minutes=90).quotes] == [
        Decimal(18_000),
        Decimal(18_050),
    ]
    (newest,) = market.chain("NIFTY", at(9, 23, 30), min_minutes=90).quotes
    assert (newest.bid, newest.at) == (Decimal("10.2"), at(9, 23))


def test_an_option_that_has_only_quotes_can_be_asked_for(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 10), 360_000)
    snapshot(store, at(9, 20), NEXT_WEEK, bid=None)
    name = contract_name("NIFTY", NEXT_WEEK, Decimal(18_000), OptionType.CE)
    quote = StoreMarket(store).quote(name, at(9, 21))
    assert (quote.ltp, quote.bid, quote.ask) == (Decimal("10.25"), None, Decimal("10.5"))


def test_a_simulated_chain_says_so(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 10), 360_000, source="simulated:7")
    snapshot(store, at(9, 20), DAY, bid=200, source="simulated:7")
    assert StoreMarket(store).chain("NIFTY", at(9, 21), min_minutes=90).synthetic is True


def test_no_chain_is_an_error_that_names_the_cure(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 10), 360_000)
    with pytest.raises(MissingDataError, match="import an option file"):
        StoreMarket(store).chain("NIFTY", at(9, 20), min_minutes=90)


@pytest.mark.data
def test_a_recorded_day_looks_the_same_whatever_came_after(shared: Path, tmp_path: Path) -> None:
    files = ("dev_index_1m", "dev_options_1m")
    frames = {name: pd.read_parquet(shared / "data" / f"{name}.parquet") for name in files}
    day = {name: frame[frame["ts"].dt.date == DAY] for name, frame in frames.items()}
    moment = at(11, 30)
    answers = []
    for label, cut in (("whole", at(15, 30)), ("cut", moment)):
        store = Store(tmp_path / label / "market.duckdb", "replay", now=lambda: LATE)
        for name, frame in day.items():
            path = tmp_path / f"{label}-{name}.parquet"
            frame[frame["ts"] < cut].to_parquet(path)
            import_file(store, path, NseCalendar())
        market: MarketData = StoreMarket(store)
        market.quote("NIFTY", moment - timedelta(minutes=30))
        answers.append((market.quote("NIFTY", moment), market.chain("NIFTY", moment, min_minutes=90)))
    assert answers[0] == answers[1]
    assert answers[0][1].at == moment
    assert len(answers[0][1].quotes) > 40


def test_what_was_stored_later_was_not_seen(tmp_path: Path) -> None:
    stamps = [datetime(2030, 1, 1, 10, minute, tzinfo=UTC) for minute in range(3)]
    first, second = (Store(tmp_path / "market.duckdb", "paper", now=ReplayClock(stamp).now) for stamp in stamps[:2])
    put(first, "NIFTY", [at(9, 15), at(9, 17)], 360_000)
    known_by = last_stored(first, DAY)
    put(second, "NIFTY", [at(9, 16), at(9, 18)], 370_000)
    put(second, CALL, [at(9, 16)], 200)
    assert (known_by, last_stored(second, DAY)) == (stamps[0], stamps[1])
    then, now = StoreMarket(second, known_by=known_by), StoreMarket(second)
    assert [len(each.minutes("NIFTY", at(9, 15), at(9, 20))) for each in (then, now)] == [2, 4]
    assert then.quote("NIFTY", at(9, 20)).at == at(9, 18)
    assert now.quote("NIFTY", at(9, 20)).at == at(9, 19)
    assert len(then.minutes(CALL, at(9, 15), at(9, 20))) == 0


def test_a_chain_that_was_quoted_later_was_not_seen(store: Store) -> None:
    put(store, "NIFTY", minutes_from(at(9, 15), 5), 360_000)
    for minute, bid in ((17, 200), (19, 190)):
        snapshot(store, at(9, minute), NEXT_WEEK, bid)
    chain = StoreMarket(store, quoted_by=at(9, 17)).chain("NIFTY", at(9, 20), min_minutes=90)
    assert chain.at == at(9, 17)
    assert chain.quotes[0].bid == 10


def test_nothing_is_known_of_a_day_without_candles(store: Store) -> None:
    put(store, "NIFTY", [at(9, 15)], 360_000)
    assert last_stored(store, NEXT_WEEK) is None
