"""What Ray's errors say of a worker: whether its node is gone, or something is wrong with the worker itself."""

from importlib.util import find_spec

import pytest

from auricle.engines.workers.protocol import NodeLost

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[ray]'")


def test_a_node_that_is_gone_is_told_from_a_process_that_has_ended() -> None:
    from ray.exceptions import ActorUnavailableError, NodeDiedError, RayActorError

    from auricle.engines.ray.cluster import _lost

    gone = [
        RayActorError(error_msg="The actor died because its node has died. Node Id: 1"),
        ActorUnavailableError("The actor is unavailable", None),
        NodeDiedError("Task failed because the node it was running on is dead"),
    ]
    ended = RayActorError(error_msg="The actor is dead because its worker process has died. Worker exit type: X")
    assert [type(_lost(error)) for error in gone] == [NodeLost] * 3
    assert not isinstance(_lost(ended), NodeLost)
    assert str(_lost(ended)) == "its process has ended (RayActorError)"
