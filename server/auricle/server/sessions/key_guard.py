"""Holds an open session to the key that it began with: its audio is counted, and it ends with the key."""

from functools import partial

from auricle.core import AudioReceived, ServerEvent
from auricle.core.session import Outputs
from auricle.server.keys.access import Access, Grant
from auricle.transports.trio.server import Connection


class KeyGuard:
    """Of one session."""

    def __init__(self, access: Access, grant: Grant, connection: Connection) -> None:
        self._access = access
        self._grant = grant
        self._connection = connection
        self._ended = False

    def heard(self, event: ServerEvent) -> None:
        """Count audio. Where the day's is used up, the input ends from our side, with all results. For every frame."""
        if not isinstance(event, AudioReceived):
            return
        audio = self._connection.session.snapshot.config.audio
        samples = len(event.pcm) // audio.frame_bytes
        excess = self._access.add_audio(self._grant, samples, audio.sample_rate)
        if excess is not None and not self._ended:
            self._ended = True
            self._connection.post(self._stop_input)

    def told_limits(self) -> dict[str, object]:
        """Return the limits of the key, for ``ready.limits``."""
        return self._access.told_limits(self._grant)

    def check(self) -> None:
        """End the session where its key is good no longer."""
        why = self._access.why_over(self._grant)
        if why is not None and not self._ended:
            self._ended = True
            self._connection.post(partial(self._fail, why))

    def _stop_input(self, now: float) -> Outputs:
        return self._connection.session.stop_input("session_limit", now=now)

    def _fail(self, why: str, now: float) -> Outputs:
        return self._connection.session.fail("unauthorized", why, now=now)
