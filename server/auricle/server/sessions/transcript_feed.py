"""Feeds: what is heard on one connection, for listeners on others. A telephone cannot be told what was said on it.

A feed keeps everything but the partials, so that a listener who comes late misses nothing; also for a while after
the call has ended.
"""

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import trio

from auricle.core import Frame
from auricle.transports.wire import Wire, WireLost

MAX_FEEDS: Final = 512
"""Feeds kept at once; beyond it the oldest that has ended, or that nobody speaks on, goes."""
NAMES: Final = ("streamSid", "callSid")


class Feed:
    """The frames about one call."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.partial: str | None = None
        """The latest partial, while no final has come."""
        self.speaking = False
        """Whether the call is running."""
        self.over = False
        self._changed = trio.Event()

    def publish(self, frame: str, body: dict[str, object]) -> None:
        """Add a frame, and wake the listeners."""
        if body.get("event") == "transcript" and body.get("final") is False:
            self.partial = frame
        else:
            self.frames.append(frame)
            self.partial = None if body.get("event") == "transcript" else self.partial
        self._wake()

    def end(self) -> None:
        """End the feed: no more frames come."""
        self.over, self.speaking = True, False
        self._wake()

    async def tell(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send everything to one listener, from the beginning to the end of the feed. A slow one misses partials."""
        told, partial = 0, None
        while True:
            changed = self._changed
            while told < len(self.frames):
                told += 1
                await send(self.frames[told - 1])
            if self.partial is not None and self.partial != partial:
                partial = self.partial
                await send(partial)
            if told == len(self.frames) and self.partial in (None, partial):
                if self.over:
                    return
                await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


class TranscriptFeeds:
    """The feeds of a server, by the names of their calls."""

    def __init__(self) -> None:
        self._feeds: OrderedDict[str, Feed] = OrderedDict()
        self._ending = False

    def feed(self, name: str) -> Feed:
        """Return the feed of that name, which may begin only later."""
        feed = self._feeds.setdefault(name, Feed())
        self._feeds.move_to_end(name)
        if self._ending and not feed.speaking:
            feed.end()
        self._make_room()
        return feed

    def begin(self, names: list[str]) -> list[Feed]:
        """Return the feeds of a call that begins: those that listeners wait for, or new ones."""
        begun = []
        for name in names:
            waiting = self._feeds.pop(name, None)
            feed = Feed() if waiting is None or waiting.over else waiting
            feed.speaking = True
            self._feeds[name] = feed
            begun.append(feed)
        self._make_room()
        return begun

    def end_idle(self) -> None:
        """End the feeds on which nobody speaks, also those asked for from now on: no call will come any more."""
        self._ending = True
        for feed in self._feeds.values():
            if not feed.speaking:
                feed.end()

    def _make_room(self) -> None:
        while len(self._feeds) > MAX_FEEDS:
            idle = next((name for name, feed in self._feeds.items() if not feed.speaking), None)
            if idle is None:
                return
            self._feeds.pop(idle).end()


async def serve_listener(feed: Feed, wire: Wire) -> None:
    """Tell a listener the feed, to its end or until the listener leaves."""
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            with suppress(WireLost):
                while True:
                    await wire.receive()  # a listener has nothing to say
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        with suppress(WireLost):
            await feed.tell(wire.send)
        nursery.cancel_scope.cancel()


class FeedWire:
    """The wire of a client that takes no answers: what is sent goes to the feed that its first frame names.

    A loss of ``wire`` is the end of the input, ``stop``: what has been said on it is still transcribed.
    """

    def __init__(self, wire: Wire, feeds: TranscriptFeeds, stop: str) -> None:
        self._wire = wire
        self._feeds = feeds
        self._stop = stop
        self._mine: list[Feed] = []
        self._lost: WireLost | None = None
        self._closed = trio.Event()

    @property
    def subprotocol(self) -> str | None:
        """As `Wire.subprotocol`."""
        return self._wire.subprotocol

    async def receive(self) -> Frame:
        """Return the next message; ``stop`` for the end of the wire. Raises `WireLost` once the session is over."""
        if self._lost is None:
            try:
                return await self._wire.receive()
            except WireLost as lost:
                self._lost = lost
                return self._stop
        await self._closed.wait()
        raise self._lost

    async def send(self, frame: Frame) -> None:
        """Publish a frame."""
        assert isinstance(frame, str), "feeds are of text"
        body = json.loads(frame)
        if not self._mine:
            self._mine = self._feeds.begin([body[name] for name in NAMES if body.get(name)])
        for feed in self._mine:
            feed.publish(frame, body)

    async def close(self, code: int, reason: str) -> None:
        """As `Wire.close`; the feed ends."""
        self._end()
        with suppress(WireLost):
            await self._wire.close(code, reason)

    async def abort(self) -> None:
        """As `Wire.abort`; the feed ends."""
        self._end()
        await self._wire.abort()

    def _end(self) -> None:
        for feed in self._mine:
            feed.end()
        self._closed.set()
