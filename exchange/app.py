"""All routes of the exchange in one application."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from exchange import routes_data
from exchange.calls import response
from exchange.envelopes import not_found, server_error

if TYPE_CHECKING:
    from exchange.core import Core


def create_app(core: "Core", more: Sequence[BaseRoute] = (), middleware: Sequence[Middleware] = ()) -> Starlette:
    """Return the application that clients talk to.

    Parameters
    ----------
    core : Core
        The exchange.
    more : sequence of routes, optional
        Besides market data and accounts: orders, feed, order updates.
    middleware : sequence of Middleware, optional
        Around everything, outermost first; faults live there.
    """

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        reply = not_found(request.url.path, core.clock.real(), status)
        return response(reply)

    async def broken(_: Request, __: Exception) -> Response:
        return response(server_error().reply)

    app = Starlette(
        routes=[*routes_data.routes(core), *more],
        middleware=list(middleware),
        exception_handlers={HTTPException: refused, Exception: broken},
    )
    app.router.redirect_slashes = False
    return app
