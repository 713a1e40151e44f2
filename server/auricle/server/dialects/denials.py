"""What a request is answered whose key is missing, wrong or used up: in the words of the service that its path is of.

Sources: the error guides of OpenAI and Deepgram; RFC 9457 for ours, RFC 6750 §3 and RFC 9110 §10.2.3 for the headers.
"""

import json
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from auricle.server.keys.access import Denied


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    media_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...]


def denial(path: str, denied: Denied, request_id: str) -> Response:
    """Return the response to a request for ``path``."""
    service = next((name for name, paths in _PATHS.items() if _is_below(path, paths)), "")
    media_type, body = _BODIES.get(service, _ours)(denied, request_id)
    headers = [("Cache-Control", "no-store")]
    if denied.status == HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", 'Bearer realm="auricle"'))
    if denied.retry_after_s is not None:
        headers.append(("Retry-After", str(math.ceil(denied.retry_after_s))))
    if service == "deepgram":
        headers += [("dg-request-id", request_id), ("dg-error", denied.message)]
    return Response(denied.status, media_type, json.dumps(body).encode(), tuple(headers))


def _ours(denied: Denied, _request_id: str) -> tuple[str, dict[str, object]]:
    return "application/problem+json", {
        "type": "about:blank",
        "title": HTTPStatus(denied.status).phrase,
        "status": denied.status,
        "detail": denied.message,
        "code": denied.code,
    }


def _openai(denied: Denied, _request_id: str) -> tuple[str, dict[str, object]]:
    kind, code = {
        HTTPStatus.UNAUTHORIZED: ("invalid_request_error", "invalid_api_key"),
        HTTPStatus.FORBIDDEN: ("invalid_request_error", "insufficient_permissions"),
        HTTPStatus.TOO_MANY_REQUESTS: ("requests", "rate_limit_exceeded"),
    }[denied.status]
    error = {"message": denied.message, "type": kind, "param": None, "code": code}
    return "application/json", {"error": error}


def _deepgram(denied: Denied, request_id: str) -> tuple[str, dict[str, object]]:
    code = {
        HTTPStatus.UNAUTHORIZED: "INVALID_AUTH",
        HTTPStatus.FORBIDDEN: "INSUFFICIENT_PERMISSIONS",
        HTTPStatus.TOO_MANY_REQUESTS: "TOO_MANY_REQUESTS",
    }[denied.status]
    return "application/json", {"err_code": code, "err_msg": denied.message, "request_id": request_id}


def _is_below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "deepgram": ("/v1/listen",),
    "openai": ("/v1/realtime", "/v1/audio", "/v1/models"),
}
_BODIES: Final[Mapping[str, Callable[[Denied, str], tuple[str, dict[str, object]]]]] = {
    "deepgram": _deepgram,
    "openai": _openai,
}
