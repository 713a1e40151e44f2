"""The stream below a connection: what was read comes again, and a write that did not finish was the last."""

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, trio_test

from auricle.server.http.buffered_stream import BufferedStream
from server.http.listener_harness import FAR_S


@pytest.fixture
def clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@trio_test
async def test_a_stalled_write_breaks_the_stream_for_good(clock: MockClock) -> None:
    ours, theirs = lockstep_stream_pair()
    stream = BufferedStream(ours, write_stall_s=30)
    with trio.fail_after(60):
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"half a frame")
        assert trio.current_time() == pytest.approx(30)
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"another")
    await trio.aclose_forcefully(theirs)


@trio_test
async def test_a_cancelled_write_breaks_the_stream_for_good(clock: MockClock) -> None:
    ours, theirs = lockstep_stream_pair()
    stream = BufferedStream(ours)
    with trio.move_on_after(1):
        await stream.send_all(b"half a frame")
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"another")
    await trio.aclose_forcefully(theirs)


@trio_test
async def test_a_rewound_head_is_read_alone_and_the_rest_after_an_answer() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    stream = BufferedStream(ours)
    await theirs.send_all(b"wire")
    stream.rewind(b"head", b"rest")
    with trio.fail_after(FAR_S):
        assert await stream.receive_some(3) == b"hea"
        assert await stream.receive_some(3) == b"d"
        async with trio.open_nursery() as nursery:
            read: list[bytes] = []

            @nursery.start_soon
            async def reading() -> None:
                while len(b"".join(read)) < 8:
                    read.append(await stream.receive_some(3))

            await trio.testing.wait_all_tasks_blocked()
            assert read == []
            await stream.send_all(b"101")
    assert read == [b"res", b"t", b"wir", b"e"]


@trio_test
async def test_closing_wakes_a_reader_that_waits_for_the_answer() -> None:
    ours, _theirs = trio.testing.memory_stream_pair()
    stream = BufferedStream(ours)
    stream.rewind(b"head", b"rest")
    with trio.fail_after(FAR_S):
        await stream.receive_some()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def reading() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await stream.receive_some()

            await trio.testing.wait_all_tasks_blocked()
            await stream.aclose()
