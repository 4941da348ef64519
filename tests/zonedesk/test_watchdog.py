"""What systemd hears of the desk."""

import socket
from pathlib import Path

import pytest

from zonedesk.watchdog import ALIVE, READY, tell_systemd


def test_systemd_is_told_at_the_socket_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        assert tell_systemd(READY, ALIVE)
        assert server.recv(100) == b"READY=1\nWATCHDOG=1"


def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not tell_systemd(ALIVE)


def test_a_socket_that_is_gone_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not tell_systemd(ALIVE)
