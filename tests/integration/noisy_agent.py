"""The data agent as a program that logs everything any library says, and shows every error with all that hangs on it.

Started by test_secrets.py with its secrets in the environment; it does what a day can bring: makes a token, reads, is
refused and misanswered in every way, listens to feed and order updates through breaks, runs the commands.
"""

# ruff: noqa: T201 - what it prints is looked at

import asyncio
import json
import logging
import os
import runpy
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import requests
from pydantic import SecretStr

from agents.data.agent import DataCollectionAgent
from agents.data.calendar import NseCalendar
from agents.data.dhan import account, connect
from agents.data.dhan.credentials import Credentials, claims_of, one_time_password
from agents.data.dhan.http import Wire
from agents.data.dhan.token import TokenFile, TokenKeeper
from agents.data.feed.account import AccountKeys, updates_address
from agents.data.feed.alerts import OrderAlert
from agents.data.feed.link import Stop
from agents.data.feed.live import FeedLimits
from agents.data.feed.pace import Delay, Pace, Why
from agents.data.feed.updates import UpdatesClient
from agents.data.metrics.calls import watch_calls
from agents.data.metrics.writer import MetricWriter
from agents.data.store import Store
from agents.settings import Settings

CLIENT = "1000000001"
DAYS = (date(2026, 11, 17), date(2026, 11, 18))
PACE = Pace(delays=dict.fromkeys(Why, Delay(0.05, 0.2)), ping_every=0.3, pong_within=0.5, look_every=0.1)
REST_FAULTS = (
    *("rate_limited", "server_error", "gateway_error", "lost_in_gateway", "dropped", "empty_202", "html_200"),
    *("duplicated_request", "invalid_ip", "invalid_token", "nan_quotes", "zero_quotes", "empty_candles"),
    *("missing_last_candle", "late_index_candle", "missing_side", "stale_chain", "clock_skew"),
)
FEED_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("feed_refused", {"status": 429}),
    ("feed_refused", {"status": 401}),
    *(("feed_disconnect", {"code": code}) for code in (804, 805, 806, 807, 808, 809, 810)),
    ("feed_reset", {}),
    ("feed_truncated", {}),
    ("feed_unknown", {}),
    ("feed_nan_prices", {}),
)
UPDATE_FAULTS = ("updates_refused", "updates_reset", "updates_case", "updates_duplicated")


class Exchange:
    """The exchange's control API; a clock too."""

    def __init__(self, port: str, control_port: str) -> None:
        self.port = int(port)
        self._url = f"http://127.0.0.1:{control_port}"

    def control(self, method: str, path: str, body: Any = None) -> Any:  # Any: JSON
        headers = {"Authorization": "Bearer control"}
        return requests.request(method, self._url + path, json=body, headers=headers, timeout=10).json()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.control("GET", "/clock")["now"] / 1000, UTC)

    def fault(self, name: str, where: str = "*", times: int | None = 1, **parameters: Any) -> None:
        self.control("DELETE", "/faults")
        self.control("POST", "/faults", {"name": name, "where": where, "times": times, "parameters": parameters})

    def replace_token(self) -> None:
        """Kill the token in force; nobody keeps the new one."""
        self.control("DELETE", f"/clients/{CLIENT}/token")


class Listener:
    """Says everything that it hears."""

    def opened(self, now: datetime) -> None:
        print("updates opened", now)

    def closed(self, now: datetime) -> None:
        print("updates closed", now)

    def changed(self, alert: OrderAlert, now: datetime) -> None:
        print("updates changed", alert, now)

    def unsure(self, reason: str, now: datetime) -> None:
        print("updates unsure", reason, now)


def shown(what: str, do: Callable[[], object]) -> None:
    """Do something and print what comes of it: its result, or the error, its causes and all their attributes."""
    print("==", what, flush=True)
    try:
        print(repr(do())[:2_000])
    except BaseException as error:
        traceback.print_exc()
        logging.getLogger("noisy").exception("%s failed", what)
        chain: BaseException | None = error
        while chain is not None:
            print(repr(chain), str(chain), vars(chain), chain.args)
            chain = chain.__cause__ or chain.__context__


def settings() -> Settings:
    return Settings(mode="paper", exchange_port=EXCHANGE.port)


def open_agent() -> DataCollectionAgent:
    dhan = connect.open_dhan(
        settings(),
        wall=lambda: datetime.now(UTC),
        sleep=lambda seconds: time.sleep(min(seconds, 0.05)),
        jitter=float,
        observe=watch_calls(METRICS),
    )
    store = Store(settings().store_path, "paper", now=lambda: datetime.now(UTC))
    return DataCollectionAgent(dhan, store, NseCalendar(), EXCHANGE)


def fresh_token(agent: DataCollectionAgent) -> None:
    """Give the desk a token that the exchange takes, as another process of the desk would."""
    made = EXCHANGE.control("POST", f"/clients/{CLIENT}/token")["access_token"]
    TokenFile(settings().home / "dhan" / "token.json").write(SecretStr(made), datetime.now(UTC))
    agent.dhan.reader.wire.use_token(SecretStr(made))


def log_in_wrongly() -> None:
    """Try every way in which a token cannot be had."""
    wrong = Credentials(client_id=CLIENT, pin=SecretStr("000000"), totp_secret=PLANTED.totp_secret)
    for what, credentials in (("a wrong PIN", wrong), ("too soon", PLANTED)):
        wire = Wire(connect.address_of(settings()), CLIENT)
        file = TokenFile(settings().home / "other" / what.replace(" ", "-") / "token.json")
        keeper = TokenKeeper(wire, credentials, file, lambda: datetime.now(UTC), is_paper=True)
        shown(what, partial(keeper.ensure, datetime.now(UTC)))
    for fault in ("dropped", "gateway_error", "html_200", "server_error"):
        EXCHANGE.fault(fault, "POST /app/*")
        wire = Wire(connect.address_of(settings()), CLIENT)
        keeper = TokenKeeper(wire, PLANTED, TokenFile(settings().home / "none.json"), lambda: datetime.now(UTC))
        shown(f"login {fault}", partial(keeper.ensure, datetime.now(UTC)))
    EXCHANGE.control("DELETE", "/faults")
    whole = AGENT.dhan.reader.wire.token.get_secret_value()
    for what, text in (("half a token", whole[:60]), ("a torn token", whole.replace(".", " "))):
        shown(what, partial(claims_of, SecretStr(text)))
        shown(what, partial(AGENT.dhan.reader.wire.use_token, SecretStr(text)))
    shown("no base32", lambda: one_time_password(SecretStr(os.environ["DHAN_PIN"] + "!"), datetime.now(UTC)))
    shown("settings", lambda: Settings(dhan_pin={"pin": os.environ["DHAN_PIN"]}))
    shown("settings printed", lambda: (settings(), PLANTED, settings().model_dump_json()))


def read_everything() -> None:
    """Read each kind of thing while each fault is on."""
    reader = AGENT.dhan.reader
    reads: tuple[tuple[str, Callable[[], object]], ...] = (
        ("funds", lambda: account.fetch_funds(reader)),
        ("quotes", lambda: AGENT.fetch_quotes("NIFTY", "NIFTY-I")),
        ("chain", lambda: AGENT.fetch_option_chain("NIFTY")),
        ("candles", lambda: AGENT.fetch_historical_data("NIFTY", *DAYS)),
        ("profile", AGENT.dhan.keeper.probe),
    )
    for name in ("", *REST_FAULTS):
        if name:
            EXCHANGE.fault(name, "* /v2/*", times=2)
        for what, read in reads:
            shown(f"{what} with {name or 'no fault'}", read)
        EXCHANGE.control("DELETE", "/faults")
        fresh_token(AGENT)
    EXCHANGE.replace_token()
    shown("a dead token", lambda: account.fetch_funds(reader))
    fresh_token(AGENT)


def listen() -> None:
    """Listen to the feed and the order updates while they break."""
    feed = AGENT.start_live_feed("NIFTY", "NIFTY-I", rng=Random(1), limits=FeedLimits(PACE, write_every=0.2))
    stop, loops = Stop(), []
    updates = UpdatesClient(
        updates_address(AGENT.dhan.reader.wire.address),
        AccountKeys(AGENT.dhan),
        Listener(),
        EXCHANGE,
        sleep=asyncio.sleep,
        rng=Random(2),
        pace=PACE,
    )

    async def hear() -> None:
        loops.append(asyncio.get_running_loop())
        await updates.run(stop)

    thread = threading.Thread(target=lambda: asyncio.run(hear(), debug=True), daemon=True)
    thread.start()
    time.sleep(1.0)
    for name, parameters in FEED_FAULTS:
        EXCHANGE.fault(name, **parameters)
        time.sleep(0.4)
        fresh_token(AGENT)
    for fault in UPDATE_FAULTS:
        EXCHANGE.fault(fault)
        shown(f"an order with {fault}", place)
        time.sleep(0.4)
    EXCHANGE.control("DELETE", "/faults")
    EXCHANGE.replace_token()
    time.sleep(1.0)
    fresh_token(AGENT)
    time.sleep(1.0)
    shown("feed", lambda: (feed.state(), feed.counts.all(), updates.counts.all()))
    loops[0].call_soon_threadsafe(stop.say)
    thread.join(5.0)
    shown("feed stopped", feed.stop)


def place() -> object:
    """Place an order, as the desk's order path will: through the same wire."""
    return AGENT.dhan.reader.wire.call(
        "an order",
        lambda client: client.place_order("53230", "NSE_FNO", "BUY", 65, "LIMIT", "INTRADAY", 24_000.0, tag="noisy"),
    )


def command(*words: str) -> None:
    """Run a command of the desk in this process."""

    def run() -> None:
        sys.argv = ["zonedesk", *words]
        runpy.run_module("zonedesk.cli", run_name="__main__")

    shown(" ".join(words), run)


if __name__ == "__main__":
    port, control_port, log, tokens = sys.argv[1:]
    logging.basicConfig(level=logging.DEBUG, filename=log, format="%(asctime)s %(name)s %(message)s %(args)s")
    logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
    EXCHANGE = Exchange(port, control_port)
    PLANTED = Credentials(
        client_id=CLIENT,
        pin=SecretStr(os.environ["DHAN_PIN"]),
        totp_secret=SecretStr(os.environ["DHAN_TOTP_SECRET"]),
    )
    connect._PAPER = PLANTED  # what opens a paper account is public; this one is planted
    made: list[str] = []
    write = TokenFile.write

    def noting(self: TokenFile, token: SecretStr, at: datetime) -> None:
        made.append(token.get_secret_value())
        write(self, token, at)

    TokenFile.write = noting  # type: ignore[method-assign]  # so that the test learns what must not be seen
    METRICS = MetricWriter(settings().home / "metrics.sqlite", lambda: datetime.now(UTC))
    AGENT = open_agent()
    log_in_wrongly()
    read_everything()
    listen()
    for words in (("doctor",), ("download", "NIFTY", "--from", "2026-11-17", "--debug"), ("status",)):
        command(*words)
    METRICS.close()
    shown("counts", lambda: dict(AGENT.dhan.counts.by_outcome))
    Path(tokens).write_text(json.dumps(made))
