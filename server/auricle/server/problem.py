"""What an HTTP error of ours looks like: RFC 9457 problem+json with our `code`."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import h11

PROBLEM_JSON: Final = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal, said before or instead of a WebSocket."""

    status: int
    """The HTTP status, 400 to 599."""
    code: str
    """What a program acts on. Where a session can fail the same way it is the same word (wire-protocols.md §3.9)."""
    detail: str
    """One sentence for a person. It never quotes a header's value: that may be a token."""
    extra_headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        """The document. ``type`` is ``about:blank``, so that ``title`` is the status phrase (RFC 9457 §4.2.1)."""
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
        """What goes with the body, all but its length. A new list each time: trio-websocket appends to the one it gets.

        The connection always closes after a refusal said this way.
        """
        named = (("Content-Type", PROBLEM_JSON), ("Cache-Control", "no-store"), ("Connection", "close"))
        return [(name.encode(), value.encode()) for name, value in (*named, *self.extra_headers)]

    def response(self) -> bytes:
        """Return the whole response in bytes, for a peer whose request could not be read as HTTP."""
        connection = h11.Connection(h11.SERVER)
        body = self.body
        headers = [*self.headers, (b"Content-Length", str(len(body)).encode())]
        head = connection.send(h11.Response(status_code=self.status, headers=headers)) or b""
        return head + (connection.send(h11.Data(data=body)) or b"")
