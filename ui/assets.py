"""The chart's files: asked for with the page itself, kept by the browser, and sent again only when they have changed.

Streamlit draws a chart's component three round trips after its own start: it loads the component's frame, that loads
`chart.js`, and that the library; and as it lets no browser keep them, each visit fetches them all. So a page with a
chart names them in its document, and they are served here with a tag by which a browser asks whether its own are good.
What draws text and buttons it also looks for only when the first of them has come: every document names that.
"""

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import file_util

from ui.chart import ASSETS, COMPONENT

FOLDER = Path(__file__).with_name(ASSETS)
PREFIX = f"/_stcore/bidi-components/{COMPONENT}/"
WITH_CHART = frozenset({"/", "/cockpit", "/replay", "/why"})
_SCRIPTS = frozenset({".js", ".mjs"})
# Streamlit's names of what draws the elements that every page has, and those beside a chart.
_ALWAYS = ("Html", "Button")
_CHARTED = ("BidiComponent", "ButtonGroup")
_IMPORTS = re.compile(r"""(?:from|import)\s*["'`]\./([\w.-]+\.js)["'`]""")
_HEADERS = {"cache-control": "no-cache", "vary": "accept-encoding"}


class ChartFiles:
    """ASGI middleware: answers for the chart's scripts itself and leaves all else to the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        answer = self._answer(scope, receive) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Return a script, None where something else was asked for."""
        folder, _, name = str(scope["path"]).rpartition("/")
        if scope["method"] != "GET" or f"{folder}/" != PREFIX or name not in scripts():
            return None
        path = FOLDER / name
        kept, asked = _kept(path, path.stat().st_mtime_ns), Request(scope, receive).headers
        headers = {**_HEADERS, "etag": kept.tag}
        if asked.get("if-none-match") == kept.tag:
            return Response(status_code=304, headers=headers)
        if "gzip" in asked.get("accept-encoding", ""):
            return Response(kept.packed, headers={**headers, "content-encoding": "gzip"}, media_type="text/javascript")
        return Response(kept.plain, headers=headers, media_type="text/javascript")


class _Kept(NamedTuple):
    plain: bytes
    packed: bytes
    tag: str


@lru_cache(maxsize=64)
def _kept(path: Path, changed_at: int) -> _Kept:  # noqa: ARG001  (a changed file is another one)
    plain = path.read_bytes()
    return _Kept(plain, gzip.compress(plain, mtime=0), f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"')


def scripts() -> list[str]:
    """Return the names of the chart's scripts."""
    return sorted(path.name for path in FOLDER.iterdir() if path.suffix in _SCRIPTS)


def preloads(*, chart: bool) -> str:
    """Return what a document says so that a browser loads what draws its page along with Streamlit's start.

    Parameters
    ----------
    chart : bool
        Whether the page has a chart, whose scripts are named too.
    """
    static = Path(file_util.get_static_dir())
    names = sorted(_parts(static, _ALWAYS + (_CHARTED if chart else ())))
    addresses = [f"{PREFIX}{name}" for name in scripts()] if chart else []
    addresses += [f"/static/js/{name}" for name in names]
    return "".join(f'<link rel="modulepreload" href="{address}">' for address in addresses)


def _parts(static: Path, kinds: Iterable[str]) -> Iterator[str]:
    """Yield the files of Streamlit that draw such elements and that its document does not name."""
    known = (static / "index.html").read_text(encoding="utf-8")
    folder = static / "static" / "js"
    coming = [path.name for kind in kinds for path in folder.glob(f"{kind}.*.js")]
    seen = set(coming)
    while coming:
        name = coming.pop()
        if name in known:
            continue
        yield name
        found = set(_IMPORTS.findall((folder / name).read_text(encoding="utf-8"))) - seen
        seen |= found
        coming += found
