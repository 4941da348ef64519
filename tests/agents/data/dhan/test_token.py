"""Tokens: read, made, shared, replaced."""

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.data.dhan.credentials import Credentials, claims_of, one_time_password, profile_of
from agents.data.dhan.errors import TokenRefusedError
from agents.data.dhan.http import Wire
from agents.data.dhan.token import MINTS_A_DAY, TokenFile, TokenKeeper
from agents.domain.errors import ConfigError
from tests.agents.data.dhan.conftest import CLIENT, make_token

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PIN, SECRET = "918273", "JBSWY3DPEHPK3PXP"
PROFILE = {
    "dhanClientId": CLIENT,
    "tokenValidity": "21/11/2026 12:00",
    "activeSegment": "E, D, C, M, ",
    "ddpi": "Deactive",
    "dataPlan": "Active",
    "dataValidity": "2026-12-29 17:52:44.0",
}


def lives(hours: float, number: int = 0) -> str:
    return make_token(expires_at=int((NOON + timedelta(hours=hours)).timestamp()), number=number)


def keeper(answering: Any, folder: Path, **said: Any) -> TokenKeeper:
    now = said.pop("now", NOON)
    credentials = Credentials(client_id=CLIENT, **{name: SecretStr(value) for name, value in said.items()})
    return TokenKeeper(Wire(answering.address, CLIENT), credentials, TokenFile(folder / "token.json"), lambda: now)


def test_the_end_of_a_token_is_read_from_itself() -> None:
    claims = claims_of(SecretStr(lives(24)))
    assert (claims.client_id, claims.expires_at) == (CLIENT, NOON + timedelta(hours=24))


@pytest.mark.parametrize("text", ["", "abc", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.x", "a.bnVsbA.c"])
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError, match="copy it again") as caught:
        claims_of(SecretStr(text))
    assert caught.value.__context__ is None


def test_one_time_passwords_are_those_of_the_standard() -> None:
    secret = SecretStr("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")  # RFC 6238, appendix B, the last six digits
    for second, password in ((59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")):
        assert one_time_password(secret, datetime.fromtimestamp(second, UTC)).get_secret_value() == password
    with pytest.raises(ConfigError, match="base32"):
        one_time_password(SecretStr("no base32!"), NOON)


def test_a_token_that_lives_long_enough_is_used_as_it_is(answering: Any, tmp_path: Path) -> None:
    kept = keeper(answering, tmp_path, token=lives(3))
    assert kept.ensure(NOON + timedelta(hours=2)).expires_at == NOON + timedelta(hours=3)
    assert answering.asked == []


def test_pin_and_password_make_a_token_that_other_processes_find(answering: Any, tmp_path: Path) -> None:
    answering.will((200, {"dhanClientId": CLIENT, "accessToken": lives(24), "expiryTime": "2026-11-21T12:00:00.000"}))
    kept = keeper(answering, tmp_path, pin=PIN, totp_secret=SECRET)
    assert kept.ensure(NOON + timedelta(hours=12)).expires_at == NOON + timedelta(hours=24)
    [(method, path, _)] = answering.asked
    assert method == "POST"
    assert path.startswith("/app/generateAccessToken?dhanClientId=")
    assert f"pin={PIN}" in path
    other = keeper(answering, tmp_path, pin=PIN, totp_secret=SECRET)
    other.ensure(NOON + timedelta(hours=12))
    assert len(answering.asked) == 1
    assert stat.S_IMODE((tmp_path / "token.json").stat().st_mode) == 0o600


def test_processes_that_need_a_token_at_once_make_one(answering: Any, tmp_path: Path) -> None:
    answering.will((200, {"accessToken": lives(24)}))
    keepers = [keeper(answering, tmp_path, pin=PIN, totp_secret=SECRET) for _ in range(6)]
    threads = [threading.Thread(target=kept.ensure, args=(NOON + timedelta(hours=12),)) for kept in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(answering.asked) == 1


def test_a_living_token_is_renewed_where_there_is_no_password(answering: Any, tmp_path: Path) -> None:
    answering.will((200, {"accessToken": lives(24, number=1)}))
    kept = keeper(answering, tmp_path, token=lives(2))
    kept.ensure(NOON + timedelta(hours=12))
    assert [path for _, path, _ in answering.asked] == ["/v2/RenewToken"]
    assert answering.headers[0]["dhanclientid"] == CLIENT


def test_a_dead_token_and_no_password_is_for_a_person(answering: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DHAN_TOTP_SECRET"):
        keeper(answering, tmp_path, token=lives(-1)).ensure(NOON)


def test_a_wrong_pin_is_for_a_person_and_is_not_repeated(answering: Any, tmp_path: Path) -> None:
    answering.will((400, {"status": "error", "message": "Invalid Pin"}))
    with pytest.raises(ConfigError, match="Invalid Pin") as caught:
        keeper(answering, tmp_path, pin=PIN, totp_secret=SECRET).ensure(NOON)
    assert PIN not in str(caught.value)
    assert len(answering.asked) == 1


def test_a_token_of_another_account_is_refused(answering: Any, tmp_path: Path) -> None:
    other = make_token("2000000002")
    with pytest.raises(ConfigError, match="another account"):
        keeper(answering, tmp_path, token=other).ensure(NOON)


def test_a_refused_token_is_replaced_by_the_one_another_process_made(answering: Any, tmp_path: Path) -> None:
    kept = keeper(answering, tmp_path, token=lives(20))
    kept.ensure(NOON)
    TokenFile(tmp_path / "token.json").write(SecretStr(lives(24, number=1)), NOON)
    assert kept.replace_refused()
    assert answering.asked == []
    assert not kept.replace_refused()


def test_tokens_that_die_at_once_are_not_made_again_and_again(answering: Any, tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "token.json")
    for number in range(MINTS_A_DAY):
        file.write(SecretStr(lives(24, number)), NOON - timedelta(minutes=30 - number))
    kept = keeper(answering, tmp_path, pin=PIN, totp_secret=SECRET)
    kept.ensure(NOON)
    with pytest.raises(TokenRefusedError, match="another program"):
        kept.replace_refused()
    soon = keeper(answering, tmp_path / "other", pin=PIN, totp_secret=SECRET)
    TokenFile(tmp_path / "other" / "token.json").write(SecretStr(lives(24)), NOON - timedelta(seconds=30))
    soon.ensure(NOON)
    with pytest.raises(TokenRefusedError, match="90 s"):
        soon.replace_refused()
    assert answering.asked == []


def test_the_probe_tells_what_the_account_may(answering: Any, tmp_path: Path) -> None:
    answering.will((200, PROFILE))
    kept = keeper(answering, tmp_path, token=lives(3))
    kept.ensure(NOON)
    profile = kept.probe()
    assert profile.data_plan_active
    assert profile.segments == ("E", "D", "C", "M")
    assert profile.token_valid_until.isoformat() == "2026-11-21T12:00:00+05:30"
    answering.will((400, {"errorType": "Order_Error", "errorCode": "DH-906", "errorMessage": "Invalid Token"}))
    with pytest.raises(TokenRefusedError, match="the profile"):
        kept.probe()


def test_a_profile_in_other_words_is_said_loudly() -> None:
    with pytest.raises(ConfigError, match="dataPlan"):
        profile_of({name: value for name, value in PROFILE.items() if name != "dataPlan"})


def test_a_damaged_token_file_names_itself(tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text("{half")
    with pytest.raises(ConfigError, match=r"token\.json is damaged"):
        TokenFile(tmp_path / "token.json").read()
