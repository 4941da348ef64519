from datetime import date, timedelta
from pathlib import Path

import pytest

from agents.domain.errors import ConfigError
from agents.execution.risk import Limits, load_limits, load_special_days, risk_file
from agents.execution.risk.file import read_limits
from agents.execution.risk.limits import CAPS
from agents.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "deploy" / "risk.toml"


def test_the_file_that_is_shipped_says_what_holds_without_it() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert read_limits(text, Limits()) == Limits()
    for name in CAPS:
        assert f"\n{name} = " in text


def test_a_desk_without_a_file_has_the_limits_of_its_settings(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, risk_per_trade=0.005, max_trades=2, daily_loss_share=0.01)
    limits = load_limits(settings)
    assert (limits.risk_per_trade, limits.max_trades, limits.daily_loss_share) == (0.005, 2, 0.01)
    assert limits.half_size_share == 0.01


def test_the_file_of_the_data_folder_changes_them(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    risk_file(settings).write_text(
        "[limits]\nrisk_per_trade = 0.002\ncool_down = 30\nlast_entry = 14:00:00\n[sending]\nindex = 2\n",
        encoding="utf-8",
    )
    limits = load_limits(settings)
    assert (limits.risk_per_trade, limits.cool_down) == (0.002, timedelta(minutes=30))
    assert limits.last_entry.hour == 14
    assert (limits.sending.index, limits.sending.quote) == (2.0, 5.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[limits]\nrisk_per_trade = 0.051", "nothing may set it above 0.05"),
        ("[limits]\nmax_open = 2", "nothing may set it above 1"),
        ("[limits]\nlast_entry = 15:05:00", "nothing may set it above 15:00"),
        ("[limits]\nfirst_entry = 09:00:00", "nothing may set it below 09:16"),
        ("[limits]\nkelly_outcomes = 5", "nothing may set it below 100"),
        ("[limits]\nrisk_per_trade = nan", "not a number|that is not negative"),
        ("[limits]\nrisk_per_trade = -0.01", "not negative"),
        ("[limits]\nrisk_per_trade = true", "must be a number"),
        ("[limits]\nmax_trades = 2.5", "must be a whole number"),
        ("[limits]\nlast_entry = 14", "must be a time"),
        ("[limits]\nrisk_per_tarde = 0.01", "did you mean risk_per_trade"),
        ("[limit]\n", "did you mean limits"),
        ("[limits]\nhalf_size_share = 0.03\ndaily_loss_share = 0.02", "must not fall"),
        ("[sending]\nindex = 0", "must be above 0"),
        ("[sending]\nindex = 500", "at most 180"),
        ("[caps]\nrisk_per_trade = 0.5", "may lower caps"),
        ("[caps]\nrisk_per_trade = 0.005", "nothing may set it above 0.005"),
        ("[limits\n", "not TOML"),
    ],
)
def test_a_file_that_is_wrong_or_too_loose_stops_the_desk(tmp_path: Path, text: str, said: str) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    risk_file(settings).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as wrong:
        load_limits(settings)
    assert "risk.toml" in str(wrong.value)


def test_a_file_that_cannot_be_read_stops_the_desk(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    risk_file(settings).mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_limits(settings)


def test_days_of_ones_own_are_added(tmp_path: Path) -> None:
    (tmp_path / "special_days.csv").write_text(
        "date,kind,name,source\n2027-02-01,budget,Union Budget,a newspaper\n", encoding="utf-8"
    )
    days = load_special_days(tmp_path, beyond=0.5)
    assert days.look(date(2027, 2, 1)) == ("Union Budget", 0.0)
    assert days.look(date(2026, 11, 23)) == ("", 1.0)


@pytest.mark.parametrize(
    "line", ["2027-02-01,party,x,y", "2027-02-01,budget,x,", "tomorrow,budget,x,y", "2027-02-01,budget,x"]
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "special_days.csv").write_text(f"date,kind,name,source\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2"):
        load_special_days(tmp_path, beyond=0.5)
