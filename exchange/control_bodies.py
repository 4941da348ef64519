"""What requests of the control API may say."""

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from exchange.accounts import OPENING_BALANCE
from exchange.clock import MAX_SPEED


class AskedBody(BaseModel):
    """A body closed to fields nobody knows."""

    model_config = ConfigDict(extra="forbid")


class ClockBody(AskedBody):
    """How the market's clock is to run: real, from session to session without a night, or from a moment."""

    mode: Literal["real", "open", "set"]
    at: AwareDatetime | None = None
    on: date | None = None
    speed: float = Field(1.0, ge=0.0, le=MAX_SPEED)


class MoveBody(AskedBody):
    """How far the market's clock is to move."""

    seconds: float = Field(ge=0.0)


class ScriptBody(AskedBody):
    """A script of a fault."""

    name: str
    where: str = "*"
    probability: float = 1.0
    times: int | None = 1
    skip: int = 0
    parameters: dict[str, Any] = Field(default_factory=dict)  # Any: different for each fault


class ClientBody(AskedBody):
    """A new client."""

    client_id: str = Field(pattern=r"^[0-9]{4,20}$")
    name: str = "PAPER TRADER"
    opening_balance: int = OPENING_BALANCE


class ChangeBody(AskedBody):
    """What a client may do from now on."""

    data_plan: bool | None = None
    needs_ip: bool | None = None


class TokenBody(AskedBody):
    """How long a token is to live."""

    hours: float = Field(24.0, gt=0.0, le=720.0)


class LimitsBody(AskedBody):
    """Whether rate limits are enforced."""

    enforced: bool


class OrderBody(AskedBody):
    """An order from elsewhere; `price` in paise, 0 at the market."""

    security_id: int
    side: Literal["BUY", "SELL"]
    quantity: int = Field(gt=0)
    price: int = Field(0, ge=0)
    kind: Literal["LIMIT", "MARKET"] = "LIMIT"
    segment: Literal["NSE_FNO"] = "NSE_FNO"
    product: Literal["INTRADAY", "MARGIN"] = "INTRADAY"
