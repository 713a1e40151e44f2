"""Finals with their audio go in, and at the end it is told who said which word."""

from collections.abc import Sequence
from typing import Final

from auricle.core import Word
from auricle.engines.protocol import ENGINE_RATE, Samples
from auricle.engines.speakers.clustering import cluster
from auricle.engines.speakers.protocol import SHORTEST_AUDIO_S, Embedding, VoiceEmbedder
from auricle.engines.speakers.stretches import Stretch, stretches

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class SecondPass:
    """For one recording. It computes where it is called: call it from a worker thread, and one thread at a time.

    Nobody is known by name: speakers are A, B, … in the order in which they are first heard.
    """

    def __init__(self, embedder: VoiceEmbedder) -> None:
        self._embedder = embedder
        self._finals: list[Sequence[Stretch]] = []
        self._voices: list[tuple[Embedding, float]] = []
        """Of every stretch that is long enough, in order, with its seconds."""
        self._heard: list[tuple[int, Stretch]] = []
        """The final, and the stretch, of each voice."""

    @property
    def stretches(self) -> int:
        """How many stretches have been listened to."""
        return len(self._voices)

    def add(self, words: Sequence[Word], audio: Samples, start_s: float) -> None:
        """Listen to a final. ``audio`` begins at ``start_s`` on the clock of the words. Raises `EngineError`."""
        found = stretches(words)
        for stretch in found:
            begin = max(0, round((stretch.start_s - start_s) * ENGINE_RATE))
            piece = audio[begin : max(begin, round((stretch.end_s - start_s) * ENGINE_RATE))]
            if len(piece) >= SHORTEST_AUDIO_S * ENGINE_RATE:
                self._voices.append((self._embedder.embed(piece), stretch.seconds))
                self._heard.append((len(self._finals), stretch))
        self._finals.append(found)

    def speakers(self) -> Sequence[Sequence[str]]:
        """Return, for each final that was added, the speaker of each of its words.

        Words too short to be told apart are those of who spoke last; in a recording of nothing else all are A's.
        """
        numbers = cluster(
            [voice for voice, _ in self._voices],
            [seconds for _, seconds in self._voices],
            threshold=self._embedder.threshold,
        )
        known = {(final, stretch): number for (final, stretch), number in zip(self._heard, numbers, strict=True)}
        named: list[list[str]] = []
        last = 0
        for index, found in enumerate(self._finals):
            words: list[str] = []
            for stretch in found:
                last = known.get((index, stretch), last)
                words += [speaker_name(last)] * (stretch.end - stretch.begin)
            named.append(words)
        return named


def speaker_name(number: int) -> str:
    """Return A for 0, B for 1, … AA for 26."""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, len(LETTERS))
        name = LETTERS[letter] + name
    return name
