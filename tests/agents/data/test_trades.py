"""Single trades as candles."""

import pandas as pd

from agents.data.trades import holds_trades, minute_candles

TRADES = pd.DataFrame(
    {
        "ts": pd.to_datetime(
            ["2024-06-05 09:15:01", "2024-06-05 09:15:01", "2024-06-05 09:15:59", "2024-06-05 09:17:00"]
        ),
        "price": [100.0, 101.0, 99.5, 102.0],
        "volume": [50, 25, 75, 10],
        "oi": [1000, 1010, 1020, 1030],
    }
)


def test_a_minute_keeps_the_files_order_within_a_second() -> None:
    made = minute_candles(TRADES, "ts", None)
    assert made[["open", "high", "low", "close", "volume", "oi"]].to_numpy().tolist() == [
        [100.0, 101.0, 99.5, 99.5, 150.0, 1020.0],
        [102.0, 102.0, 102.0, 102.0, 10.0, 1030.0],
    ]


def test_a_minute_without_trades_has_no_candle() -> None:
    assert [t.strftime("%H:%M") for t in minute_candles(TRADES, "ts", None)["ts"]] == ["09:15", "09:17"]


def test_candles_are_not_taken_for_trades() -> None:
    assert holds_trades(TRADES)
    assert not holds_trades(TRADES.rename(columns={"price": "close"}))
    assert not holds_trades(TRADES.drop(columns="price"))
