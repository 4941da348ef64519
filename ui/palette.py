"""One source of colours for chart, tables and badges: dark, light, and one for those who do not tell red from green."""

from dataclasses import asdict, dataclass

STANDARD, COLOUR_BLIND = "Green and red", "Blue and orange"
DARK, LIGHT = "dark", "light"


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


_DARK = Palette("#26B29C", "#FF6B78", "#2962FF", "#F7A600", "#7EA2FF", "#FF6B78", "#F7A600", "#9AA0AE")
_LIGHT = Palette("#067A67", "#C4212F", "#2456E0", "#8A5A00", "#2456E0", "#B3141F", "#7A4F00", "#565C69")
_DARK_BLIND = Palette("#4FB0FF", "#FF9F1C", "#8E7CFF", "#E8E36B", "#7EA2FF", "#FF9F1C", "#E8E36B", "#9AA0AE")
_LIGHT_BLIND = Palette("#0060B8", "#A85100", "#5B45D6", "#6B6300", "#0060B8", "#A85100", "#6B6300", "#565C69")
PALETTES = {
    (STANDARD, DARK): _DARK,
    (STANDARD, LIGHT): _LIGHT,
    (COLOUR_BLIND, DARK): _DARK_BLIND,
    (COLOUR_BLIND, LIGHT): _LIGHT_BLIND,
}

# White is written on these, whatever the theme.
BADGES = {"": "#5D6270", "paper": "#2456E0", "live": "#B3141F", "replay": "#6B4BC8", "simulated": "#6B4BC8"}

# Tables scroll inside themselves, so that a narrow screen never does.
_RULES = """
.stApp{font-variant-numeric:tabular-nums}
@media (min-width:640px){.stMainBlockContainer{padding-left:1.5rem;padding-right:1.5rem}}
.zd-heard{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
/* What only ears and keys meet takes no room, its wrapper neither. */
[data-testid="stLayoutWrapper"]:has(>.st-key-zd-head),
[data-testid="stLayoutWrapper"]:has(>.st-key-zd-told){position:absolute}
.st-key-zd-sound{display:none}
/* A message never lies over the buttons that stop the desk. */
[data-testid="stToastContainer"]{top:auto!important;bottom:1rem}
.zd-head{font-size:1rem;font-weight:600;line-height:1.5;margin:0;padding:0}
.zd-strip,.zd-counted{display:flex;flex-wrap:wrap;gap:.35rem 1.1rem;align-items:baseline}
.zd-badge{padding:.1rem .6rem;border-radius:4px;font-weight:700;color:#fff}
.zd-up{color:var(--zd-up)}.zd-down{color:var(--zd-down)}.zd-warn{color:var(--zd-warn)}.zd-quiet{color:var(--zd-quiet)}
.zd-scroll{overflow-x:auto;max-width:100%}
[data-testid=stMarkdownContainer]{overflow-wrap:break-word}
[data-testid=stMarkdownContainer] code,[data-testid=stCaptionContainer] code{font-size:.9em!important}
.zd-table{border-collapse:collapse;width:100%;font-size:.92rem}
.zd-table caption{text-align:left;font-weight:600;padding:.3rem 0}
.zd-table th,.zd-table td{padding:.25rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 18%,transparent);
 text-align:left;vertical-align:top}
.zd-table thead th{font-weight:600;color:var(--zd-quiet)}
.zd-table tbody th{font-weight:inherit}
.zd-table a{color:var(--zd-accent)}
.zd-table .num{text-align:right;white-space:nowrap}
.zd-table .mid,.zd-table tbody .mid{background:color-mix(in srgb,currentColor 8%,transparent);text-align:center;
 font-weight:600}
/* A sentence in a table keeps its width, and the table scrolls: a narrow screen would make it a tall thread. */
.zd-table .words{min-width:16em}
.zd-bar{position:relative;height:8px;min-width:110px;border-radius:4px;
 background:linear-gradient(90deg,var(--zd-down),color-mix(in srgb,currentColor 20%,transparent),var(--zd-up))}
.zd-bar i{position:absolute;top:-3px;width:3px;height:14px;background:currentColor}
.zd-said{display:grid;gap:.35rem;padding:.6rem .8rem;border-radius:4px;font-variant-numeric:tabular-nums;
 border:1px solid color-mix(in srgb,currentColor 18%,transparent)}
.zd-said a{color:var(--zd-accent)}.zd-word{font-weight:600}.zd-share{color:var(--zd-accent)}
.zd-log{max-height:300px;overflow-y:auto}
.zd-oi{display:inline-block;height:.7em;opacity:.75}
/* The theme's own colour carries white text; as text on its own tint it would be too dim. */
.stButtonGroup [data-selected="true"] p,.stSlider [data-testid="stSliderThumbValue"] p{color:var(--zd-accent)}
/* What waits for its refresh is not dimmed: it says its own age, and flicker is no news. */
.stElementContainer[data-stale="true"]{opacity:1!important;transition:none!important}
/* Streamlit shows the focus of most things, but not of its navigation. */
:where(a,button,summary,input,[tabindex]):focus-visible{outline:2px solid var(--zd-accent)!important;
 outline-offset:-2px}
/* A transition of any length makes inherited colours follow a new theme later than its backgrounds: so none at all. */
@media (prefers-reduced-motion:reduce){*,::before,::after{animation-duration:.01ms!important;
 animation-iteration-count:1!important;transition-duration:0s!important;scroll-behavior:auto!important}}
"""


def palette(kind: str, theme: str) -> Palette:
    """Return the colours of a kind ("Green and red" or "Blue and orange") on a theme ("dark" or "light")."""
    known = COLOUR_BLIND if kind == COLOUR_BLIND else STANDARD
    return PALETTES[known, LIGHT if theme == LIGHT else DARK]


def css(kind: str) -> str:
    """Return the style of all pages, with the colours of a kind as variables.

    Each variable holds the colours of both themes; the browser takes that of the theme that is shown, at once when it
    changes.
    """
    light, dark = (asdict(palette(kind, theme)) for theme in (LIGHT, DARK))
    pairs = "".join(f"--zd-{name}:light-dark({light[name]},{dark[name]});" for name in light)
    badges = "".join(f".zd-badge{f'.{name}' if name else ''}{{background:{colour}}}" for name, colour in BADGES.items())
    return f"<style>:root{{{pairs}}}{_RULES}{badges}</style>"
