from hypothesis import given
from hypothesis import strategies as st

from exchange.limits import CHAIN_EVERY, Limits


def taken(limits: Limits, kind: str, moments: list[int]) -> int:
    return sum(limits.admits("1", kind, at) for at in moments)  # type: ignore[arg-type]  # the classes are words


def test_ten_orders_pass_in_a_second_and_the_eleventh_does_not() -> None:
    assert taken(Limits(), "order", [0] * 11) == 10


def test_a_minute_of_orders_ends_at_two_hundred_and_fifty_and_what_flows_in() -> None:
    # The bucket of the minute starts full and gains 250 a minute; ten a second for 30 s ask for 300.
    assert taken(Limits(), "order", [at for second in range(30) for at in [second * 1000] * 10]) == 300
    assert taken(Limits(), "order", [at for second in range(60) for at in [second * 1000] * 10]) == 495


def test_a_quote_a_second_passes() -> None:
    assert taken(Limits(), "quote", [0, 0, 500, 999, 1000, 1999, 2000]) == 3


def test_a_refused_request_takes_nothing() -> None:
    limits = Limits({"data": ((1, 1000), (2, 60_000))})
    assert [limits.admits("1", "data", at) for at in (0, 1, 2, 1000)] == [True, False, False, True]


def test_clients_do_not_share_buckets() -> None:
    limits = Limits()
    assert [limits.admits(client, "quote", 0) for client in ("1", "2", "1")] == [True, True, False]


def test_the_same_chain_passes_once_in_three_seconds_and_another_at_once() -> None:
    limits = Limits()
    asked = [("2026-11-24", 0), ("2026-12-01", 0), ("2026-11-24", CHAIN_EVERY - 1), ("2026-11-24", CHAIN_EVERY)]
    assert [limits.admits_chain("1", 13, expiry, at) for expiry, at in asked] == [True, True, False, True]


def test_limits_that_are_not_enforced_admit_everything() -> None:
    limits = Limits()
    limits.enforced = False
    assert taken(limits, "quote", [0] * 50) == 50
    assert all(limits.admits_chain("1", 13, "2026-11-24", 0) for _ in range(3))


def test_limits_that_forget_start_with_full_buckets() -> None:
    limits = Limits()
    limits.admits("1", "quote", 0)
    limits.admits_chain("1", 13, "2026-11-24", 0)
    limits.forget()
    assert limits.admits("1", "quote", 0)
    assert limits.admits_chain("1", 13, "2026-11-24", 0)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_no_second_holds_more_than_a_full_bucket_and_its_flow(gaps: list[int]) -> None:
    limits, now, passed = Limits(), 0, []
    for gap in gaps:
        now += gap
        if limits.admits("1", "data", now):
            passed.append(now)
    assert all(sum(start <= at < start + 1000 for at in passed) <= 10 for start in passed)
