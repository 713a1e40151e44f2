"""What names no model in the body of a request of an operator's, whatever it is."""

from http import HTTPStatus

import pytest
import trio
from starlette.requests import Request
from starlette.types import Message

from auricle.server.http.problem_details import Problem
from auricle.server.models.admin_routes import _asked_name


@pytest.mark.parametrize("body", [b"[" * 4_000, b"\xff", b"{", b"7", b'{"model":' + b"9" * 4_050 + b"}"])
def test_what_names_no_model_is_a_bad_request(body: bytes) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", b"application/json")]
    problem = trio.run(_asked_name, Request({"type": "http", "method": "POST", "headers": headers}, receive))
    assert isinstance(problem, Problem)
    assert problem.status == HTTPStatus.BAD_REQUEST
