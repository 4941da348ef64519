"""What a model may answer, as it is checked here; what the server checks is not relied upon."""

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.domain.evidence import SetupWord
from agents.domain.values import Probability
from agents.domain.zones import ZoneVerdictWord

RATIONALE_LENGTH = 400
ID_LIMIT = 32


class ZoneFactor(StrEnum):
    """What can speak for or against a zone."""

    CONFIDENCE = "confidence"
    COMPONENTS = "components"
    TOUCHES = "touches"
    AGE = "age"
    TREND = "trend"
    PROFILE = "profile"
    ROOM = "room"
    WIDTH = "width"
    SESSION = "session"
    NONE = "none"


class SetupFactor(StrEnum):
    """What can speak for or against a setup."""

    ZONE = "zone"
    ZONE_VERDICT = "zone_verdict"
    BASELINE = "baseline"
    TOUCHES = "touches"
    TREND = "trend"
    REWARD = "reward"
    COSTS = "costs"
    CHAIN = "chain"
    PROFILE = "profile"
    TIME = "time"
    NONE = "none"


class Reply(BaseModel):
    """What every answer has. Strict, closed to unknown fields, and silent about its input when it complains."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    evidence_ids: Annotated[tuple[str, ...], Field(max_length=ID_LIMIT)]
    rationale: Annotated[str, Field(max_length=RATIONALE_LENGTH)]

    def foreign_ids(self, allowed: Collection[str]) -> bool:
        """Whether the answer names something that it was not told of."""
        return not set(self.evidence_ids) <= set(allowed)


class ZoneReply(Reply):
    """The answer about a zone."""

    verdict: ZoneVerdictWord
    probability: Annotated[Probability, Field(strict=True)]
    main_for: ZoneFactor
    main_against: ZoneFactor


class SetupReply(Reply):
    """The answer about a setup."""

    verdict: SetupWord
    probability: Annotated[Probability, Field(strict=True)]
    p_low: Annotated[Probability, Field(strict=True)]
    p_high: Annotated[Probability, Field(strict=True)]
    main_for: SetupFactor
    main_against: SetupFactor

    @model_validator(mode="after")
    def _bounds_hold_the_probability(self) -> Self:
        if not self.p_low <= self.probability <= self.p_high:
            raise ValueError("probability lies outside p_low and p_high")
        return self


def strict_schema(reply: type[Reply]) -> dict[str, Any]:
    """Return the JSON schema of a reply in the subset that all servers take: types, enums, nothing optional.

    Bounds of numbers and lengths are left out, because some servers refuse them; they are checked on arrival.
    Any: a JSON schema.
    """
    full = reply.model_json_schema()
    return _plain(full, full.get("$defs", {}))


def _plain(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:  # Any: a JSON schema
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    plain: dict[str, Any] = {name: node[name] for name in ("type", "enum") if name in node}
    if node["type"] == "object":
        plain["properties"] = {name: _plain(inner, definitions) for name, inner in node["properties"].items()}
        plain["required"] = list(node["properties"])
        plain["additionalProperties"] = False
    if node["type"] == "array":
        plain["items"] = _plain(node["items"], definitions)
    return plain
