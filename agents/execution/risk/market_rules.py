"""Rules of the market and the desk: R7 freshness, R8 fair prices, R9 bands, R11 kill, R12 rate, R13 special days."""

from collections.abc import Iterator

from agents.domain.checks import Check
from agents.domain.cycle import DeskState
from agents.execution.risk.question import Question, at_least, at_most, below, forbidden, unknown, verdict

CHEAP_PREMIUM = 50.0
CHEAP_BAND = 20.0
BAND = 0.40


def freshness_rules(question: Question) -> Iterator[Check]:
    """R7: nothing that the decision rests on is old.

    Ages are market time. Where the market runs faster than the clock, what takes wall time (a tick's way, a run's
    start) takes as many times longer in it, so those limits are multiplied by the speed; that of the zones, which are
    made by the market's own clock, is not, and neither is the error of the machine's clock.
    """
    now, allowed = question.conditions, question.conditions.freshness
    if allowed is None:
        yield unknown("R7", "a recording is as fresh as it is")
        return
    ages = (
        ("R7.index", now.index_age, allowed.index * now.speed, "the index has no fresh price"),
        ("R7.quote", now.quote_age, allowed.quote * now.speed, "the contract has no fresh price"),
        ("R7.chain", now.chain_age, allowed.chain * now.speed, "the option chain is old"),
    )
    for rule, age, limit, text in ages:
        yield forbidden(rule, f"{text}: its age is not known") if age is None else at_most(rule, age, limit, text)
    if now.zones_age is not None:
        yield below("R7.zones", now.zones_age, allowed.zones, "the zones are old")
    if now.clock_skew is None:
        yield unknown("R7.clock", "nobody else's clock was seen")
    else:
        skew = f"this machine's clock differs from the broker's by {now.clock_skew:+.1f} s"
        yield at_most("R7.clock", abs(now.clock_skew), allowed.clock_skew, skew)


def fairness_rules(question: Question) -> Iterator[Check]:
    """R8: the price asked is near what the contract is worth, and the index has not run away."""
    limits, now = question.limits, question.conditions
    entry = float(question.setup.premium_entry)
    spread = now.spread if now.spread is not None else 2 * float(question.setup.half_spread)
    ticks = max(limits.spread_share * entry, 0.05)
    yield at_most("R8.spread", spread, ticks, "bid and ask are too far apart")
    checks = (
        ("R8.fair", now.fair, entry, limits.fair_share, "the limit is far from the contract's fair value"),
        ("R8.mark", now.middle, now.last, limits.mark_share, "the last price is far from bid and ask"),
    )
    for rule, base, price, share, text in checks:
        if base is None or price is None or base <= 0:
            yield unknown(rule, "there is nothing to compare the price with")
        else:
            yield at_most(rule, abs(price - base) / base, share, text)
    if now.index_move is None:
        yield unknown("R8.move", "the index was not looked at again")
    else:
        yield at_most("R8.move", abs(now.index_move), limits.index_move_share, "the index has moved since the setup")


def band_rules(question: Question) -> Iterator[Check]:
    """R9: the exchange would take the entry and the target.

    A dear premium may be ordered within 40 % of its mean traded price, a cheap one within 20 rupees; the desk keeps to
    a share of that. The stop's limit is checked by the exchange when it is set off.
    """
    now, setup = question.conditions, question.setup
    reference = now.reference if now.reference is not None else now.last
    if reference is None or reference <= 0:
        yield unknown("R9.band", "the contract's mean price is not known")
    else:
        width = (reference * BAND if reference > CHEAP_PREMIUM else CHEAP_BAND) * question.limits.band_share
        text = "the exchange would refuse the entry's price"
        yield at_most("R9.band", abs(float(setup.premium_entry) - reference), width, text)
    if now.upper_circuit is not None:
        highest = float(max(setup.premium_entry, setup.premium_target))
        yield at_most("R9.upper", highest, now.upper_circuit, "a price is above the day's band")
    if now.lower_circuit is not None:
        yield at_least("R9.lower", float(setup.premium_stop), now.lower_circuit, "the stop is below the day's band")


def kill_rules(question: Question) -> Iterator[Check]:
    """R11: nobody has stopped the desk, and mode, account and address are the right ones."""
    now = question.conditions
    active = now.state is DeskState.ACTIVE and not now.halted
    text = now.halted or f"the desk is {now.state}"
    yield at_most("R11.state", 0 if active else 1, 0, text)
    same = now.account == now.expected_account
    yield at_most("R11.account", 0 if same else 1, 0, "the order would go to another account than the one that is set")
    yield at_most("R11.address", 1 if now.address else 0, 0, now.address)
    yield at_most("R11.mode", 1 if now.mode else 0, 0, now.mode)


def rate_rules(question: Question) -> Iterator[Check]:
    """R12: few order requests a second and a day, far below what the exchange asks to be registered."""
    now, limits = question.conditions, question.limits
    counts = (
        ("R12.second", now.requests_second, limits.requests_per_second),
        ("R12.day", now.requests_day, limits.requests_per_day),
    )
    for rule, count, limit in counts:
        if count is None:
            yield unknown(rule, "requests are counted where they are sent")
        else:
            yield below(rule, count, limit, "too many order requests")


def day_rules(question: Question) -> Iterator[Check]:
    """R13: nothing is opened on a day that allows no size; other special days shrink it, which the sizing reports."""
    now, limits = question.conditions, question.limits
    if now.event_factor is None:
        yield unknown("R13.event", "no calendar of special days was asked")
    elif now.event_factor <= 0 or now.event_factor >= 1:
        yield at_most("R13.event", 0 if now.event_factor else 1, 0, f"{now.event}: nothing is opened")
    if now.vix is None:
        yield unknown("R13.vix", "India VIX is not known")
    elif now.vix <= limits.vix or limits.vix_factor <= 0:
        yield at_most("R13.vix", now.vix, limits.vix, "India VIX is too high to open anything")


def proof_rule(question: Question) -> Iterator[Check]:
    """R4: real money follows a judge only when its record shows that it is better than no model."""
    needed, track = question.conditions.to_prove, question.conditions.track
    if not needed:
        return
    count, skill = (track.judged, track.skill_low) if track else (0, None)
    if skill is None:
        text = "the judge's record in a real market is too short to trade live"
        yield verdict("R4.proof", count, needed, text, passes=False)
    else:
        yield verdict("R4.proof", skill, 0.0, "the judge is not shown to be better than no model", passes=skill > 0)


def expectancy_rule(question: Question) -> Iterator[Check]:
    """R4: what the judge's record says of this setup pays for its risk; off until enough outcomes are known."""
    track, limits, setup = question.conditions.track, question.limits, question.setup
    if track is None or track.outcomes < limits.kelly_outcomes:
        count = track.outcomes if track else 0
        yield unknown("R4.expectancy", f"off: {count} of {limits.kelly_outcomes} outcomes are known")
        return
    gain = float(setup.premium_target - setup.premium_entry - setup.costs_per_unit)
    loss = float(setup.premium_entry - setup.premium_stop + setup.costs_per_unit) + 1.0
    expected = (track.p_low * gain - (1.0 - track.p_low) * loss) / loss
    yield at_least("R4.expectancy", expected, limits.least_expectancy, "the judge's record does not pay for the risk")
