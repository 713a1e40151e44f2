"""Replay of a script through a driver, with a log of everything observable at its virtual time.

Two drivers are equivalent when the same script gives the same log.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal
from zlib import crc32

from auricle.core import Ack, BacklogFull, ClientEvent, LocalProtocolError, Partial
from auricle.transports.errors import ConnectFailed, SessionOver
from auricle.transports.testing.driver_harness import Drive, DrivenClient, DriverHarness, run_scenario
from auricle.transports.testing.loop import Loop
from auricle.transports.testing.model_server import ModelServer
from auricle.transports.testing.scripted_wire import Peer, ScriptedWire

Verb = Literal[
    "speak", "flush", "end", "leave",
    "clog", "unclog", "hang up", "break", "break writes", "rave", "go deaf", "wake",
]  # fmt: skip
"""An action of the application, the server or the network."""
SAMPLE: Final = bytes(range(250)) * 128
"""One second of audio."""


@dataclass(frozen=True, slots=True)
class Action:
    """A verb, and the seconds since the action before it."""

    after_s: float
    verb: Verb
    amount: float = 1.0
    """Of ``speak``: seconds."""


class Player:
    """Plays one script once."""

    def __init__(self, actions: Sequence[Action], *, resumable: bool) -> None:
        self._events: list[str] = []
        self._notes: list[str] = []
        self._wires: list[str] = []
        self._actions = actions
        self._resumable = resumable
        self._waiting: tuple[float, ClientEvent] | None = None

    @property
    def log(self) -> list[str]:
        """The events, the outcomes of the application's calls, and the frames sent over each wire."""
        return [*self._events, *self._notes, *self._wires]

    async def __call__(self, harness: DriverHarness) -> None:
        """Play the script, and log what the application and the peer observe."""
        server = ModelServer(harness, resumable=self._resumable)
        async with harness.loop.tasks() as tasks:
            tasks.start(server.serve)
            try:
                async with harness.connect() as client:
                    reading = tasks.start(lambda: self._read(harness, client))
                    await self._act(harness, client, server)
                    await harness.loop.sleep(200.0)
                    await client.aclose()
                    await reading.join()
            except ConnectFailed as failed:
                self._note(harness, f"not connected: {failed}")
            self._note(harness, "over")
        for number, wire in enumerate(harness.wires):
            self._wires += [f"wire {number}: {line}" for line in _seen(wire)]

    async def _act(self, harness: DriverHarness, client: DrivenClient, server: ModelServer) -> None:
        async with harness.loop.tasks() as tasks:
            speaking = None
            for action in self._actions:
                await harness.loop.sleep(action.after_s)
                match action.verb:
                    case "speak" | "flush" | "end" | "leave":
                        # One call at a time: the order of several waiting tasks is not specified for drivers.
                        if speaking is None or speaking.done:
                            speaking = tasks.start(partial(self._speak, harness, client, action))
                    case _:
                        self._interfere(harness.current_peer, server, action.verb)
            await harness.loop.sleep(100.0)

    async def _speak(self, harness: DriverHarness, client: DrivenClient, action: Action) -> None:
        verbs: dict[str, Callable[[], Awaitable[object]]] = {
            "speak": lambda: client.send_audio((SAMPLE * 60)[: int(action.amount * 32_000)]),
            "flush": client.flush,
            "end": client.end_input,
            "leave": client.aclose,
        }
        try:
            await verbs[action.verb]()
            self._note(harness, f"{action.verb}: done")
        except (SessionOver, BacklogFull, LocalProtocolError) as refusal:
            self._note(harness, f"{action.verb}: {type(refusal).__name__}")

    def _interfere(self, peer: Peer, server: ModelServer, verb: Verb) -> None:
        match verb:
            case "clog":
                peer.wire.clogged = True
            case "unclog":
                peer.unclog()
            case "hang up":
                peer.hang_up("eof", 1011)
            case "break":
                peer.hang_up("reset", 1006)
            case "break writes":
                peer.wire.breaks_writes = True
            case "rave":
                peer.send('{"type": "final", "seq": "none"}')
            case "go deaf":
                server.deaf = True
            case "wake":
                server.deaf = False
                peer.wire.change()
            case _:
                raise AssertionError(f"{verb} is the application's")

    async def _read(self, harness: DriverHarness, client: DrivenClient) -> None:
        async for event in client:
            superseded = self._waiting
            if superseded is not None and not _supersedes(event, superseded[1], harness.loop.now() - superseded[0]):
                self._events.append(f"{superseded[0]:.6f} {superseded[1]}")
            self._waiting = (harness.loop.now(), event)
        if self._waiting is not None:
            self._events.append(f"{self._waiting[0]:.6f} {self._waiting[1]}")

    def _note(self, harness: DriverHarness, what: str) -> None:
        self._notes.append(f"{harness.loop.now():.6f} {what}")


def _supersedes(event: ClientEvent, before: ClientEvent, elapsed_s: float) -> bool:
    """Whether a slower application would not have got the event before, because ``event`` replaces it."""
    if elapsed_s > 1e-9:
        return False
    match before, event:
        case (Partial(segment=old), Partial(segment=new)):
            return old == new
        case (Ack(), Ack()):
            return True
        case _:
            return False


def _seen(wire: ScriptedWire) -> list[str]:
    frames = [
        f"{at:.6f} {frame if isinstance(frame, str) else f'{len(frame)} bytes {crc32(frame):08x}'}"
        for at, frame in zip(wire.sent_at, wire.sent, strict=True)
    ]
    return [*frames, f"closed {wire.closed}, aborted {wire.aborted}, left {wire.released}"]


def play(loop: Loop, drive: Drive, actions: Sequence[Action], *, resumable: bool = True) -> list[str]:
    """Play a script and return its log. Raises `AssertionError` where the driver breaks a rule."""
    player = Player(actions, resumable=resumable)
    run_scenario(loop, drive, player)
    return player.log
