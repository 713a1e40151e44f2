"""An id of a flush or a change that is used twice is told to the client; what is said again after a return is not."""

import json

import pytest

from auricle.core import Flushed
from auricle.core.messages import ErrorMessage
from core.link import Link, ready


def hear(link: Link, **message: object) -> None:
    link.route("server", link.server.receive(json.dumps(message), now=link.now))


@pytest.mark.parametrize("message", [{"type": "flush", "id": "x"}, {"type": "configure", "id": "x", "set": {}}])
def test_an_id_that_is_used_twice_is_an_error_and_the_first_answer_still_comes(message: dict[str, object]) -> None:
    link = ready()
    link.send(500)
    link.settle()
    hear(link, **message)
    hear(link, **message)
    link.settle_wire()
    (error,) = link.of(ErrorMessage)
    assert (error.code, error.fatal, error.ref, error.param) == ("invalid_param", False, None, "/id")
    assert "'x'" in error.message


def test_an_id_is_used_twice_also_where_the_first_has_its_answer() -> None:
    link = ready()
    link.send(500)
    link.flush("x")
    link.settle()
    assert link.of(Flushed)
    hear(link, type="flush", id="x")
    link.settle_wire()
    assert [error.code for error in link.of(ErrorMessage)] == ["invalid_param"]


def test_what_a_client_says_again_after_its_return_is_no_error() -> None:
    link = ready(resumable=True)
    link.engine.accepts = False
    link.send(500)
    link.flush("x")
    link.settle()
    link.break_connection()
    link.settle_wire()
    link.pass_time(1.0)
    link.settle_wire()
    link.engine.accepts = True
    link.settle()
    assert [flushed.id for flushed in link.of(Flushed)] == ["x"]
    assert not link.of(ErrorMessage)
