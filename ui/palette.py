"""One source of colours for chart, tables and badges: dark, light, and one for those who do not tell red from green."""

from dataclasses import asdict, dataclass

STANDARD, COLOUR_BLIND = "Green and red", "Blue and orange"


@dataclass(frozen=True)
class Palette:
    """Colours as CSS writes them. Every use has a sign, a mark or a word beside it."""

    up: str
    down: str
    profile: str
    poc: str
    accent: str
    halt: str
    warn: str
    quiet: str

    def css(self) -> str:
        """Return the colours as variables for the tables."""
        pairs = "".join(f"--zd-{name}:{value};" for name, value in asdict(self).items())
        return f"<style>:root{{{pairs}}}{_RULES}</style>"


_DARK = Palette("#26B29C", "#FF6B78", "#2962FF", "#F7A600", "#7EA2FF", "#FF6B78", "#F7A600", "#9AA0AE")
_LIGHT = Palette("#067A67", "#C4212F", "#2456E0", "#8A5A00", "#2456E0", "#B3141F", "#7A4F00", "#565C69")
_DARK_BLIND = Palette("#4FB0FF", "#FF9F1C", "#8E7CFF", "#E8E36B", "#4FB0FF", "#FF9F1C", "#E8E36B", "#9AA0AE")
_LIGHT_BLIND = Palette("#0060B8", "#A85100", "#5B45D6", "#6B6300", "#0060B8", "#A85100", "#6B6300", "#565C69")

# Tables scroll inside themselves, so that a narrow screen never does.
_RULES = """
.zd-strip{display:flex;flex-wrap:wrap;gap:.35rem 1.1rem;align-items:baseline;font-variant-numeric:tabular-nums}
.zd-badge{padding:.1rem .6rem;border-radius:4px;font-weight:700;color:#fff;background:#5D6270}
.zd-badge.paper{background:#2456E0}.zd-badge.live{background:#B3141F}.zd-badge.replay{background:#6B4BC8}
.zd-badge.simulated{background:#6B4BC8}
.zd-up{color:var(--zd-up)}.zd-down{color:var(--zd-down)}.zd-warn{color:var(--zd-warn)}.zd-quiet{color:var(--zd-quiet)}
.zd-scroll{overflow-x:auto;max-width:100%}
.zd-table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.92rem}
.zd-table caption{text-align:left;font-weight:600;padding:.3rem 0}
.zd-table th,.zd-table td{padding:.25rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 18%,transparent);
 text-align:left;vertical-align:top}
.zd-table th{font-weight:600;color:var(--zd-quiet)}
.zd-table a{color:var(--zd-accent)}
.zd-table .num{text-align:right;white-space:nowrap}
.zd-table .mid{background:color-mix(in srgb,currentColor 8%,transparent);text-align:center;font-weight:600}
/* A sentence in a table keeps its width, and the table scrolls: a narrow screen would make it a tall thread. */
.zd-table .words{min-width:16em}
.zd-bar{position:relative;height:8px;min-width:110px;border-radius:4px;
 background:linear-gradient(90deg,var(--zd-down),color-mix(in srgb,currentColor 20%,transparent),var(--zd-up))}
.zd-bar i{position:absolute;top:-3px;width:3px;height:14px;background:currentColor}
.st-key-zd-sound{display:none}
.zd-oi{display:inline-block;height:.7em;opacity:.75}
"""


def palette(kind: str, theme: str) -> Palette:
    """Return the colours of a kind ("Green and red" or "Blue and orange") on a theme ("dark" or "light")."""
    if kind == COLOUR_BLIND:
        return _LIGHT_BLIND if theme == "light" else _DARK_BLIND
    return _LIGHT if theme == "light" else _DARK
