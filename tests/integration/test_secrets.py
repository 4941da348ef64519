"""A whole run with every library at its most talkative: token, PIN and TOTP secret are seen nowhere."""

import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
PIN, TOTP_SECRET, OPENAI_KEY = "730946", "KZXW6YTBOI2DMNRXGY4TQOJR", "sk-planted-4f9a1c77b0e2"
WINDOW = 12
EXCHANGE = f"""
import json, logging, sys
from datetime import date
from exchange.accounts import Account
from exchange.server import ClockPlan, ServerConfig, run
from exchange.simulated import simulated_market

logging.basicConfig(level=logging.DEBUG)
accounts = (Account("1000000001", pin={PIN!r}, totp_secret={TOTP_SECRET!r}),)
clock = ClockPlan("open", on=date(2026, 11, 19))
config = ServerConfig(control_token="control", accounts=accounts, seed=7, port=0, control_port=0, clock=clock)
market = simulated_market(7, date(2026, 11, 1))


def ready(ports):
    for name in list(logging.root.manager.loggerDict):  # also those that uvicorn has quietened
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).propagate = True
    print(json.dumps([ports.public, ports.control]), flush=True)


run(config, market, on_ready=ready)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """Return the folder with everything that a run left behind, and the tokens that it used."""
    folder = tmp_path_factory.mktemp("noisy")
    data, told, tokens = folder / "data", folder / "told", tmp_path_factory.mktemp("known") / "tokens.json"
    data.mkdir()
    told.mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "default"}
    with (told / "exchange.err").open("w") as errors:
        exchange = subprocess.Popen(
            [sys.executable, "-c", EXCHANGE], stdout=subprocess.PIPE, stderr=errors, text=True, env=env, cwd=ROOT
        )
    try:
        assert exchange.stdout is not None
        ports = [str(port) for port in json.loads(exchange.stdout.readline())]
        env |= {"DHAN_PIN": PIN, "DHAN_TOTP_SECRET": TOTP_SECRET, "OPENAI_API_KEY": OPENAI_KEY}
        env |= {"ZONEDESK_DATA_DIR": str(data), "ZONEDESK_MODE": "paper", "ZONEDESK_EXCHANGE_PORT": ports[0]}
        program = [sys.executable, str(Path(__file__).with_name("noisy_agent.py"))]
        files = [str(told / "agent.log"), str(tokens)]
        with (told / "agent.out").open("w") as out, (told / "agent.err").open("w") as errors:
            subprocess.run(
                [*program, *ports, *files], stdout=out, stderr=errors, env=env, cwd=folder, timeout=240, check=False
            )
        assert tokens.exists(), (told / "agent.err").read_text()[-3_000:]
        yield folder, json.loads(tokens.read_text())
    finally:
        exchange.terminate()
        exchange.wait(timeout=10)


def spellings(secret: str) -> set[str]:
    """Return a secret as it may be written: as it is, in an address, as base64 at each of the three alignments."""
    found = {secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    for shift in range(3):
        packed = base64.b64encode(b"?" * shift + secret.encode())
        whole = packed[4 if shift else 0 :].rstrip(b"=")[:-1].decode()
        found |= {whole, whole.replace("+", "-").replace("/", "_")} if len(whole) >= WINDOW else set()
    return found


def pieces(token: str) -> set[str]:
    """Return every piece of a token's signature that is long enough to matter, and of its claims."""
    signature = token.rpartition(".")[2]
    claims = token.split(".")[-2]
    parts = {signature[start : start + WINDOW] for start in range(len(signature) - WINDOW + 1)}
    return parts | {claims} | spellings(token)


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file, databases as bytes and by their rows."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name == "token.json":
            continue
        yield str(path.relative_to(folder)), path.read_bytes().decode("latin-1")
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as store:
                names = [name for (name,) in store.execute("select table_name from duckdb_tables()").fetchall()]
                rows = [str(store.execute(f'select * from "{name}"').fetchall()) for name in names]
            yield f"{path.name} rows", "\n".join(rows)
        elif path.suffix == ".sqlite":
            with sqlite3.connect(path) as ledger:
                yield f"{path.name} rows", "\n".join(ledger.iterdump())


def test_the_run_was_whole_and_talkative(run: tuple[Path, list[str]]) -> None:
    folder, tokens = run
    log = (folder / "told" / "agent.log").read_text()
    out = (folder / "told" / "agent.out").read_text()
    for library in ("urllib3.connectionpool", "asyncio", "agents.data.dhan.attempts", "agents.data.feed.link"):
        assert f" {library} " in log, f"{library} said nothing"
    assert "/app/generateAccessToken" in log
    assert "[hidden]" in log
    assert len(set(tokens)) > 10
    assert "feed_ended{credentials}" in out
    assert "updates_connected" in out
    assert out.count("\n== ") > 100
    assert "TokenRefusedError" in out
    for kept in ("market.duckdb", "metrics.sqlite", "dhan/limits.sqlite"):
        assert (folder / "data" / "paper" / kept).exists()
    exchange = (folder / "told" / "exchange.err").read_text()
    assert '"WebSocket /feed" [accepted]' in exchange


def test_no_secret_is_written_anywhere(run: tuple[Path, list[str]]) -> None:
    folder, tokens = run
    secrets = {"the TOTP secret": spellings(TOTP_SECRET), "the OpenAI key": spellings(OPENAI_KEY)}
    secrets |= {f"token {number}": pieces(token) for number, token in enumerate(sorted(set(tokens)))}
    pin = re.compile(rf"(?<![0-9.]){PIN}(?![0-9])")
    found = []
    for name, text in written(folder):
        found += [f"{what} is in {name}" for what, parts in secrets.items() if any(part in text for part in parts)]
        is_text = not name.endswith((".duckdb", ".sqlite", ".parquet"))
        if is_text and (seen := pin.search(text)):
            found.append(f"the PIN is in {name}: {text[max(seen.start() - 40, 0) : seen.start()]!r}")
        if is_text and (seen := re.search(r"totp=[0-9]{6}", text)):
            found.append(f"a one-time password is in {name}")
    assert found == []


def test_the_file_that_holds_the_token_is_for_its_owner_only(run: tuple[Path, list[str]]) -> None:
    kept = list((run[0] / "data").rglob("token.json"))
    assert kept
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
