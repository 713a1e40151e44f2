"""The HTTP application of a server: every route there is, and who may ask for it."""

from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from auricle.server.http.application import application
from auricle.server.http.authorisation import OperatorGate, has_operator_key
from auricle.server.http.operator_routes import operator_routes, status_routes
from auricle.server.http.web_pages import page, page_routes
from auricle.server.metrics.registry import ServerMetrics
from auricle.server.metrics.routes import metrics_routes
from auricle.server.models.admin_routes import admin_routes
from auricle.server.models.pool import ModelPool
from auricle.server.overview import Overview
from auricle.server.status import model_document, status_document
from auricle.server.uploads.doors import Doors
from auricle.server.uploads.routes import upload_routes
from auricle.server.uploads.session_tokens import token_routes


def http_routes(overview: Overview, metrics: ServerMetrics, models: ModelPool, doors: Doors) -> list[BaseRoute]:
    """Return every route."""
    return [
        *operator_routes(overview.ready),
        *status_routes(lambda: status_document(overview.status()), page("status.html")),
        *metrics_routes(metrics),
        *admin_routes(
            models, lambda model: model_document(overview.model(model)), partial(has_operator_key, doors.access)
        ),
        *page_routes(),
        *token_routes(doors),
        *upload_routes(doors),
    ]


def http_app(routes: list[BaseRoute], doors: Doors) -> Starlette:
    """Return the application."""
    return application(
        routes,
        allowed_origins=doors.allowed_origins,
        inner=[Middleware(OperatorGate, access=doors.access)],
    )
