"""What of a scripted engine runs with the sessions: a voice detector that follows the script."""

from collections.abc import Mapping, Sequence
from functools import partial

from auricle.engines.plain_data import from_plain
from auricle.engines.protocol import BLOCK, Samples, SessionParts, StreamConfig, VoiceDetector
from auricle.engines.scripted.script import Script


class _ScriptedVoice:
    """A voice detector: probability 1.0 for every block that overlaps a word of the script, else 0.0."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._position = 0
        """Engine sample where the next block begins."""

    def __call__(self, blocks: Samples) -> Sequence[float]:
        return [self._next() for _ in blocks]

    def _next(self) -> float:
        begin, self._position = self._position, self._position + BLOCK
        return 1.0 if any(True for _ in self._script.words_within(begin, self._position)) else 0.0


def scripted_voice(script: Script, config: StreamConfig) -> VoiceDetector:
    """Return a voice detector that follows ``script``."""
    return _ScriptedVoice(script)


def session_parts(description: Mapping[str, object]) -> SessionParts:
    """Return the parts for a ``script``, in plain form. Raises `PlainDataError` for another description."""
    script = from_plain(Script, description.get("script"), at="/script")
    return SessionParts(voice_detector=partial(scripted_voice, script))
