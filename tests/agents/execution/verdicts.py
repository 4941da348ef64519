"""The judge's yes to a setup, as tests of what comes after it need it."""

from agents.domain.evidence import SetupVerdict, SetupWord


def yes_to(setup_id: str) -> SetupVerdict:
    """Return a verdict that takes a setup."""
    return SetupVerdict(
        setup_id=setup_id,
        judge="rules",
        verdict=SetupWord.TAKE,
        probability=0.9,
        p_low=0.85,
        p_high=0.95,
        main_for="zone",
        main_against="none",
        reason="a test",
        outcome="ok",
        call_key="key",
        prompt_sha="sha",
    )
