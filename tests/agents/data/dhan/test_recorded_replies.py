"""Replies that Dhan really sent, through the official client and the recorder."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.data.dhan.errors import Trouble, classify
from agents.data.dhan.http import Wire

pytestmark = pytest.mark.data

FAULTS = {
    "base_api__charts_historical__1": Trouble.TOKEN,
    "base_model__error_handling": Trouble.REQUEST,
    "base_model__integration_test": Trouble.NO_DATA,
    "client__error_400": Trouble.NO_SUCH_PATH,
    "client__error_500": Trouble.NO_SUCH_PATH,
    "client__error_unknown": Trouble.NO_SUCH_PATH,
    "client__error_806": Trouble.ACCESS,
    "client__error_dh_901": Trouble.TOKEN,
    "client__error_dh_904": Trouble.THROTTLED,
    "client__error_dh_905": Trouble.REQUEST,
    "client__error_invalid_payload": Trouble.REQUEST,
    "client__error_response": Trouble.REQUEST,
    "models__orders__update__1": Trouble.ORDER,
}


def recorded(shared: Path) -> dict[str, dict[str, Any]]:  # Any: JSON
    folder = shared / "data" / "dhan_api"
    return {path.stem: json.loads(path.read_text())["response"] for path in sorted(folder.glob("*.json"))}


def test_every_recorded_reply_arrives_whole(shared: Path, answering: Any, wire: Wire) -> None:
    replies = recorded(shared)
    assert len(replies) >= 70
    for name, said in replies.items():
        answering.will((said["status"], said["body"]))
        reply = wire.call(name, lambda client: client.dhan_http.get("/anything"))
        assert (reply.status, reply.json()) == (said["status"], said["body"]), name
        assert reply.headers["content-type"] == "application/json"


def test_every_recorded_error_is_classified(shared: Path, answering: Any, wire: Wire) -> None:
    found = {}
    for name, said in recorded(shared).items():
        answering.will((said["status"], said["body"]))
        fault = classify(wire.call(name, lambda client: client.dhan_http.get("/anything")))
        if fault is not None:
            found[name] = fault.trouble
    assert found == FAULTS
