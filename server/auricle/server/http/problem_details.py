"""Problem details for HTTP errors (RFC 9457, ``application/problem+json``), with a `code` member."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import h11

PROBLEM_JSON: Final = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One HTTP error response."""

    status: int
    """The HTTP status, 400 to 599."""
    code: str
    """Machine-readable error code; the same as that of the equivalent session error (wire-protocols.md §3.9)."""
    detail: str
    """One human-readable sentence. It never quotes the value of a header, which may be a token."""
    extra_headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        """The JSON document. ``type`` is ``about:blank``, so that ``title`` is the status phrase (RFC 9457 §4.2.1)."""
        members = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        return json.dumps(members).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers, without ``Content-Length``. A new list each time, because trio-websocket appends to it.

        They include ``Connection: close``.
        """
        named = (("Content-Type", PROBLEM_JSON), ("Cache-Control", "no-store"), ("Connection", "close"))
        return [(name.encode(), value.encode()) for name, value in (*named, *self.extra_headers)]

    def response(self) -> bytes:
        """Return the whole response as bytes, for a connection whose request could not be parsed as HTTP."""
        connection = h11.Connection(h11.SERVER)
        body = self.body
        headers = [*self.headers, (b"Content-Length", str(len(body)).encode())]
        head = connection.send(h11.Response(status_code=self.status, headers=headers)) or b""
        return head + (connection.send(h11.Data(data=body)) or b"")


SERVER_FAILED: Final = Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal", detail="The server failed.")
"""What is said of a bug."""
