"""Everything that is not an order: quotes, chains, charts, profile, tokens, addresses, instrument master."""

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

from exchange import routes_account, routes_charts, routes_quotes
from exchange.calls import http_routes

if TYPE_CHECKING:
    from exchange.core import Core

TABLE = (*routes_quotes.ROUTES, *routes_charts.ROUTES, *routes_account.ROUTES)


def routes(core: "Core") -> list[BaseRoute]:
    """Return the routes with and without a token."""
    return [*http_routes(core, TABLE), *routes_account.open_routes(core)]
