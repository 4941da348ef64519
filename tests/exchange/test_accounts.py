import base64
import json

import pytest

from exchange.accounts import GENERATE_EVERY, IP_CHANGE_EVERY, SAMPLE_SECRET, Account, Accounts, RefusedError
from exchange.accounts import TokenRefusedError as Refused
from exchange.tokens import LIFE, PREFIX, Claims, TokenMalformedError, mint, read, totp, totp_holds

NOW = 1_795_141_800_000
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts(7, [Account("1000000001"), Account("1000000002")])


@pytest.mark.parametrize(
    ("seconds", "password"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_one_time_passwords_are_those_of_the_standard(seconds: int, password: str) -> None:
    assert totp(RFC_SECRET, seconds * 1000) == password


def test_a_password_holds_one_step_around_its_own() -> None:
    password = totp(SAMPLE_SECRET, NOW)
    assert [totp_holds(SAMPLE_SECRET, password, NOW + step * 30_000) for step in (-2, -1, 0, 1, 2)] == [
        *(False, True, True, True, False)
    ]


def test_a_token_says_whose_it_is_and_when_it_ends(accounts: Accounts) -> None:
    token = accounts.issue("1000000001", NOW)
    payload = token.removeprefix(PREFIX).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["dhanClientId"], claims["exp"]) == ("1000000001", (NOW + LIFE) // 1000)


def test_no_live_server_takes_a_paper_token(accounts: Accounts) -> None:
    assert accounts.issue("1000000001", NOW).startswith("paper.")


def test_the_same_seed_and_moment_mint_the_same_token() -> None:
    minted = {Accounts(3, [Account("1000000001")]).issue("1000000001", NOW) for _ in range(2)}
    assert len(minted) == 1


def test_a_new_token_ends_the_one_before(accounts: Accounts) -> None:
    old = accounts.issue("1000000001", NOW)
    new = accounts.issue("1000000001", NOW)
    assert accounts.authenticate(new, NOW).client_id == "1000000001"
    with pytest.raises(Refused) as refused:
        accounts.authenticate(old, NOW)
    assert refused.value.why == "replaced"


@pytest.mark.parametrize(
    ("later", "client_id", "why"), [(LIFE, "", "expired"), (0, "1000000002", "client"), (LIFE - 1, "9", "client")]
)
def test_a_token_is_refused_for_a_reason(accounts: Accounts, later: int, client_id: str, why: str) -> None:
    token = accounts.issue("1000000001", NOW)
    with pytest.raises(Refused) as refused:
        accounts.authenticate(token, NOW + later, client_id=client_id)
    assert refused.value.why == why


@pytest.mark.parametrize("token", ["", "paper.", "eyJ0.eyJ9.x", "paper.a.b.c", "pâper.ü"])
def test_what_was_not_minted_here_is_malformed(accounts: Accounts, token: str) -> None:
    with pytest.raises(Refused) as refused:
        accounts.authenticate(token, NOW)
    assert refused.value.why == "malformed"


def test_a_token_of_another_exchange_is_malformed() -> None:
    token = mint(b"one", Claims("1", 0, 1, 1))
    assert read(b"one", token) == Claims("1", 0, 1, 1)
    with pytest.raises(TokenMalformedError, match="not minted by this exchange"):
        read(b"other", token)


def test_no_refusal_and_no_account_repeats_a_token(accounts: Accounts) -> None:
    token = accounts.issue("1000000001", NOW)
    accounts.revoke("1000000001")
    with pytest.raises(Refused) as refused:
        accounts.authenticate(token, NOW)
    assert token not in str(refused.value)
    accounts.issue("1000000001", NOW)
    assert "paper." not in repr(accounts.find("1000000001"))


def test_a_pin_and_a_password_make_a_token_once_in_two_minutes(accounts: Accounts) -> None:
    def generate(at: int, pin: str = "123456", shift: int = 0) -> str:
        return accounts.generate("1000000001", pin, totp(SAMPLE_SECRET, at + shift), at)

    assert accounts.authenticate(generate(NOW), NOW).minted_by == "totp"
    with pytest.raises(RefusedError, match="2 minutes"):
        generate(NOW + GENERATE_EVERY - 1)
    with pytest.raises(RefusedError, match="Pin"):
        generate(NOW + GENERATE_EVERY, pin="1")
    with pytest.raises(RefusedError, match="TOTP"):
        generate(NOW + GENERATE_EVERY, shift=10**6)
    with pytest.raises(RefusedError, match="Client"):
        accounts.generate("9", "123456", "1", NOW)
    generate(NOW + GENERATE_EVERY)


def test_only_tokens_made_on_the_web_are_renewed(accounts: Accounts) -> None:
    renewed = accounts.renew(accounts.issue("1000000001", NOW), "1000000001", NOW + 1)
    assert accounts.authenticate(renewed, NOW + 1)
    made = accounts.issue("1000000001", NOW, minted_by="totp")
    with pytest.raises(RefusedError, match="cannot be renewed"):
        accounts.renew(made, "1000000001", NOW)


def test_orders_come_from_listed_addresses_when_that_is_asked() -> None:
    account = Account("1", needs_ip=True)
    account.set_ip("PRIMARY", "127.0.0.1", NOW)
    assert [account.orders_allowed(ip) for ip in ("127.0.0.1", "10.0.0.1")] == [True, False]
    assert Account("2").orders_allowed("10.0.0.1")


def test_an_address_changes_once_in_a_week() -> None:
    account = Account("1")
    with pytest.raises(RefusedError, match="not set"):
        account.modify_ip("PRIMARY", "10.0.0.1", NOW)
    account.set_ip("PRIMARY", "10.0.0.1", NOW)
    with pytest.raises(RefusedError, match="already set"):
        account.set_ip("PRIMARY", "10.0.0.2", NOW)
    with pytest.raises(RefusedError, match="7 days"):
        account.modify_ip("PRIMARY", "10.0.0.2", NOW + IP_CHANGE_EVERY - 1)
    with pytest.raises(RefusedError, match="Invalid IP"):
        account.modify_ip("PRIMARY", "10.0.0.300", NOW + IP_CHANGE_EVERY)
    account.modify_ip("PRIMARY", "10.0.0.2", NOW + IP_CHANGE_EVERY)
    assert account.ips == {"PRIMARY": "10.0.0.2"}


def test_clients_are_taken_in_once(accounts: Accounts) -> None:
    accounts.add(Account("3"))
    with pytest.raises(RefusedError, match="client 3 exists"):
        accounts.add(Account("3"))
    assert [account.client_id for account in accounts.all()] == ["1000000001", "1000000002", "3"]
    with pytest.raises(RefusedError, match="Client"):
        accounts.issue("4", NOW)
