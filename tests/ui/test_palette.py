"""Colours are held against the backgrounds of the themes, as WCAG 2.2 measures contrast."""

import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

import ui
from ui.palette import BADGES, COLOUR_BLIND, DARK, LIGHT, PALETTES, STANDARD, css, palette

CONFIG = tomllib.loads((Path(ui.__file__).parent / ".streamlit" / "config.toml").read_text())
TEXT, GRAPHIC = 4.5, 3.0


def luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("kind", "theme"), PALETTES)
def test_every_colour_can_be_read_on_its_theme(kind: str, theme: str) -> None:
    grounds = [CONFIG["theme"][theme][name] for name in ("backgroundColor", "secondaryBackgroundColor")]
    for name, colour in asdict(palette(kind, theme)).items():
        least = GRAPHIC if name == "profile" else TEXT  # the profile is bars, its levels are labelled
        assert min(contrast(colour, ground) for ground in grounds) >= least, name


@pytest.mark.parametrize(("kind", "theme"), PALETTES)
def test_rising_and_falling_are_never_the_same(kind: str, theme: str) -> None:
    shown = palette(kind, theme)
    assert len({shown.up, shown.down, shown.warn}) >= 2
    assert shown.up != shown.down


def test_white_can_be_read_on_badges_and_buttons() -> None:
    primary = CONFIG["theme"]["primaryColor"], CONFIG["theme"][LIGHT]["primaryColor"]
    for colour in (*BADGES.values(), *primary):
        assert contrast("#FFFFFF", colour) >= TEXT, colour


@pytest.mark.parametrize("kind", [STANDARD, COLOUR_BLIND])
def test_the_style_holds_the_colours_of_both_themes(kind: str) -> None:
    style = css(kind)
    for name, colour in asdict(palette(kind, LIGHT)).items():
        assert f"--zd-{name}:light-dark({colour},{asdict(palette(kind, DARK))[name]});" in style


def test_whoever_wants_less_movement_gets_none() -> None:
    assert "@media (prefers-reduced-motion:reduce)" in css(STANDARD)
    assert "transition-duration:0s!important" in css(STANDARD)  # any length lets inherited colours lag behind a theme
    assert ":focus-visible" in css(STANDARD)
    assert "tabular-nums" in css(STANDARD)
