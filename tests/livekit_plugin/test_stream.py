"""What a stream promises, one promise a test, on virtual time."""

import pytest

from livekit_plugin.sim import SimServer
from livekit_plugin.stage import Heard, Stage, listen, perform, push


def test_a_stream_ends_by_itself_with_every_word(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(stage: Stage) -> None:
        heard, stream = Heard(), stage.open()
        push(stream, 1, 2, 0, 0, 0, 0, 3)
        stream.end_input()
        await listen(stream, heard)
        heard.check()
        assert heard.words == ["w1", "w2", "w3"]
        assert heard.error is None
        assert heard.ended_at is not None
        assert heard.ended_at < 0.2
        assert stream.report.complete is True
        assert stream.report.pushed == stream.report.decided == 0.7

    perform(monkeypatch, SimServer(), scenario)
