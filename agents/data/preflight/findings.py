"""What a check found."""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import computed_field

from agents.domain.errors import ConfigError
from agents.domain.values import Frozen


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # works now; a person should know
    FAIL = "fail"  # will not work until somebody acts


class Finding(Frozen):
    """One check: its name, how bad it is, what was found, and the cure where all is not well."""

    name: str
    state: State
    found: str
    cure: str = ""

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def ok(self) -> bool:
        """Whether the desk works with it."""
        return self.state is not State.FAIL


def fine(name: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding(name=name, state=State.OK, found=found)


def warn(name: str, found: str, cure: str) -> Finding:
    """Return something that a person should know."""
    return Finding(name=name, state=State.WARN, found=found, cure=cure)


def fail(name: str, found: str, cure: str) -> Finding:
    """Return something that keeps the desk from working."""
    return Finding(name=name, state=State.FAIL, found=found, cure=cure)


def worst(findings: Iterable[Finding]) -> State:
    """Return how bad the worst finding is; ok where there is none."""
    order = tuple(State)
    return max((finding.state for finding in findings), key=order.index, default=State.OK)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise `ConfigError` that names every finding which keeps the desk from working, with its cure."""
    if bad := [finding for finding in findings if not finding.ok]:
        raise ConfigError("; ".join(f"{finding.name}: {finding.found} ({finding.cure})" for finding in bad))
