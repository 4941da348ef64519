"""Everything that can be set. The only reader of the environment."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Mode = Literal["replay", "paper", "live"]
JudgeKind = Literal["auto", "openai", "rules", "recorded"]


def _words(value: object) -> object:
    """Return text from the environment as its words."""
    return tuple(value.split()) if isinstance(value, str) else value


def _whole(value: object) -> object:
    """Return a whole number that the environment has as text; anything else is left for the field to refuse."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


class Settings(BaseSettings):
    """One frozen set of settings: environment variables with the prefix ``ZONEDESK_``, then ``.env``, then these."""

    model_config = SettingsConfigDict(
        env_prefix="ZONEDESK_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,  # a value may be a secret
    )

    mode: Mode = Field("paper", description="replay, paper or live; each has its own store and ledger")
    data_dir: Path = Field(Path("data"), description="where stores, ledgers, logs and Dagster's home live")
    ledger_url: SecretStr | None = Field(
        None,
        description="a PostgreSQL database of its own for this mode's ledger: postgresql://user:password@host/name",
    )
    instruments: tuple[str, ...] = Field(("NIFTY",), description="what is analysed and traded")
    futures: dict[str, str] = Field(
        {"NIFTY": "NIFTY-I", "BANKNIFTY": "BANKNIFTY-I"}, description="future whose volume makes an index's profile"
    )
    baskets: dict[str, str] = Field(
        {"NIFTY": "NIFTY-CONSTITUENTS"}, description="basket whose volume stands in where there is no future"
    )

    # Dhan
    dhan_client_id: str | None = Field(None, validation_alias="DHAN_CLIENT_ID", description="the account")
    dhan_access_token: SecretStr | None = Field(
        None, validation_alias="DHAN_ACCESS_TOKEN", description="made on the web, lives 24 hours"
    )
    dhan_pin: SecretStr | None = Field(
        None, validation_alias="DHAN_PIN", description="with the TOTP secret, makes access tokens without a person"
    )
    dhan_totp_secret: SecretStr | None = Field(
        None, validation_alias="DHAN_TOTP_SECRET", description="shown once beside the QR code, base32"
    )
    dhan_url: str | None = Field(None, description="another server that speaks Dhan's REST protocol, version included")
    dhan_auth_url: str | None = Field(None, description="where that server makes access tokens")
    static_ip: str | None = Field(None, description="this machine's address as it is registered with Dhan for orders")
    live_confirmed_on: date | None = Field(None, description="the one date on which live orders may be sent")
    live_unproven: bool = Field(
        default=False, description="trade live before the judge's record shows that it is better than no model"
    )
    exchange_port: int = Field(8899, ge=1, le=65535, description="of the paper exchange on this machine")

    # Analysis
    half_length: int = Field(5, ge=1, description="candles on each side of a swing")
    window: int = Field(750, ge=1, description="candles of 15 minutes that a profile and a zone live")
    row_ticks: int = Field(20, ge=1, description="ticks per row of a volume profile")
    value_fraction: float = Field(0.70, gt=0, le=1, description="share of volume inside the value area")
    min_families: int = Field(2, ge=1, description="kinds of evidence that must overlap to make a zone")

    # Judge
    judge: JudgeKind = Field("auto", description="auto: the model when a key is set, rules otherwise")
    openai_api_key: SecretStr | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="with it a model judges, without it stated rules"
    )
    openai_base_url: str | None = Field(None, description="any server that speaks the chat-completions protocol")
    zone_model: str = Field("gpt-6-luna", description="model that judges zones")
    setup_model: str = Field("gpt-6.1-sol", description="model that judges setups")
    temperature: float = Field(0.1, ge=0, le=2, description="sent where the model takes it")
    judge_deadline_seconds: float = Field(20.0, gt=0, description="for one call, retries included")
    judge_daily_budget: Decimal = Field(Decimal(5), ge=0, description="US dollars a day")
    judge_samples: int = Field(5, ge=1, le=25, description="answers asked for about one setup")
    judge_quorum: int = Field(4, ge=1, description="usable answers that a setup needs, of those asked for")
    judge_spread: float = Field(0.15, ge=0, le=1, description="widest middle half of the answers' probabilities")
    calibration_outcomes: int = Field(200, ge=30, description="ended setups before a judge's record counts")
    judge_max_zones: int = Field(8, ge=1, description="zones judged at one candle close, nearest first")
    judge_reach_atr: float = Field(3.0, gt=0, description="zones farther from price than this are not judged yet")
    zone_confidence: float = Field(0.60, ge=0, le=1, description="least confidence of a zone worth judging and trading")
    probability_threshold: float = Field(0.80, ge=0, le=1, description="least probability of a setup worth taking")

    # Trade
    equity: Decimal = Field(Decimal(1_000_000), gt=0, description="rupees that risk is measured against")
    risk_per_trade: float = Field(0.01, gt=0, le=0.05, description="share of equity lost when the stop is hit")
    premium_share: float = Field(0.25, gt=0, le=1, description="share of equity paid as premium in one trade")
    daily_loss_share: float = Field(0.03, gt=0, le=0.2, description="share of equity that may be lost in a session")
    max_trades: int = Field(5, ge=0, description="entries in one session")
    zone_band_atr: float = Field(0.5, ge=0, description="how near price must be to a zone, in average true ranges")
    min_risk_reward: float = Field(1.2, gt=0, description="least reward to risk after costs")
    brokerage_rupees: Decimal = Field(Decimal(20), ge=0, description="for each executed order")
    risk_free_rate: float = Field(0.055, ge=0, description="yearly, continuous")

    # Paper market and processes
    simulation_speed: Annotated[Literal[1, 3, 5, 15, 20], BeforeValidator(_whole)] = Field(
        5, description="market minutes per minute in the simulated market"
    )
    simulation_seed: int = Field(7, ge=0, description="which simulated market")
    dagster_port: int = Field(3000, ge=1, le=65535, description="of Dagster's pages on this machine")
    dashboard_port: int = Field(8501, ge=1, le=65535, description="of these pages")
    ops_port: int = Field(9464, ge=0, le=65535, description="of /metrics and /healthz; 0 lets the system choose")

    # Alerts
    alert_urls: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_words)] = Field(
        (), description="Apprise addresses with spaces between, tried in order; warn,critical=<address> narrows one"
    )
    dead_man_url: SecretStr | None = Field(
        None, description="asked for every minute while all is well; its owner raises the alarm when that stops"
    )
    dashboard_password: SecretStr | None = Field(None, description="asked for by the dashboard; needed beyond loopback")
    dashboard_hosts: tuple[str, ...] = Field((), description="names besides localhost under which it may be reached")
    dashboard_url: str | None = Field(
        None,
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$",
        description="where browsers reach it behind a proxy, without a path: https://desk.example",
    )
    oidc_issuer: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#@]+$",
        description="OpenID Connect: a provider that says who it is, instead of the password or besides it",
    )
    oidc_client_id: str | None = Field(None, description="under which the provider knows the dashboard")
    oidc_client_secret: SecretStr | None = Field(None, description="given by the provider; none for a public client")
    oidc_people: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        (), description="who may come in: verified e-mail addresses, or the provider's subjects, spaces between"
    )

    @property
    def home(self) -> Path:
        """The folder of this mode: ``<data_dir>/<mode>``, absolute."""
        return self.data_dir.resolve() / self.mode

    @property
    def store_path(self) -> Path:
        """The DuckDB file of this mode."""
        return self.home / "market.duckdb"

    @property
    def ledger_path(self) -> Path:
        """The SQLite file of this mode."""
        return self.home / "ledger.sqlite"

    @property
    def ledger_place(self) -> Path | SecretStr:
        """Where the ledger is: the PostgreSQL database if one is set, else the file."""
        return self.ledger_url or self.ledger_path

    @property
    def ops_path(self) -> Path:
        """The SQLite file of this mode's measurements."""
        return self.home / "ops.sqlite"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
