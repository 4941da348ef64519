"""The HTML document of every page: Streamlit's own, told where its server is.

Left alone, the document of a page below the root looks for the server below that page first: two requests that fail,
two errors in the browser's console, and a tenth of a second before it looks where the server is. Then it asks whether
that lives and which other sites may speak to the page before it opens its socket; told that nobody but ourselves may,
it opens the socket at once.
"""

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from streamlit import file_util

from agents.domain.errors import ConfigError
from ui.assets import WITH_CHART, preloads
from ui.keys import script, told
from ui.views import PAGES

HEAD, HEAD_END = "<head>", "</head>"
# It stands in the document itself, for it must run before Streamlit's.
SCRIPT = (
    'window.__streamlit={BACKEND_BASE_URL:location.origin+"/",'
    "HOST_CONFIG:{allowedOrigins:[location.origin],useExternalAuthToken:false}}"
)


def page_routes() -> list[Route]:
    """Return a route for the document of the first page and of each other one."""
    return [Route(path, _answer) for path in ("/", *(f"/{path}" for path, _, _ in PAGES))]


@cache
def document() -> str:
    """Return the document.

    Raises
    ------
    ConfigError
        If the installed Streamlit has another document than is known here.
    """
    path = Path(file_util.get_static_dir()) / "index.html"
    text = path.read_text(encoding="utf-8")
    if text.count(HEAD) != 1:
        raise ConfigError(f"{path} has no single {HEAD}; install the Streamlit of requirements.lock")
    keys = f'<meta name="zonedesk-keys" content="{told()}"><script>{script()}</script>'
    told_where = text.replace(HEAD, f"{HEAD}<script>{SCRIPT}</script>{keys}")
    return told_where.replace("<title>Streamlit<", "<title>zonedesk<")


@cache
def preloading(*, chart: bool) -> str:
    """Return the document of a page with a chart or of one without, which names its scripts. Raises as `document`."""
    return document().replace(HEAD_END, f"{preloads(chart=chart)}{HEAD_END}")


async def _answer(request: Request) -> Response:
    text = preloading(chart=request.url.path in WITH_CHART)
    return HTMLResponse(text, headers={"cache-control": "no-cache"})
