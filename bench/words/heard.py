"""What a system made of a clip: the interface between systems and scores. Times are seconds of the clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clips import Word
from recording import Recording, Said

from auricle.engines.protocol import ENGINE_RATE, FinalResult, PartialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A partial."""

    text: str
    stable: int = 0
    """So many characters of the text were promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A final, and the partials that came before it and behind the final before."""

    text: str
    words: tuple[Word, ...] = ()
    partials: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One clip, as one system heard it. Delays are empty where the clip was not played at the pace of speech."""

    clip: str
    finals: tuple[Told, ...]
    has_words: bool
    """Whether the system tells words with their times at all."""
    cpu_s: float | None = None
    """None where sessions ran side by side, and nobody knows whose time it was."""
    problem: str | None = None
    """Why it is not complete."""
    final_delays_s: tuple[float, ...] = ()
    """Of each final at an endpoint: received − end of its last word, by the manifest."""
    first_word_delays_s: tuple[float, ...] = ()
    """Of each utterance: first text shown − end of its first word, by the manifest."""
    partial_gaps_s: tuple[float, ...] = ()
    """From one partial of an utterance to the next."""

    @property
    def text(self) -> str:
        """Everything that was heard."""
        return " ".join(told.text for told in self.finals if told.text)

    @property
    def words(self) -> list[Word]:
        """All words with their times."""
        return [word for told in self.finals for word in told.words]

    @property
    def partials(self) -> int:
        """How many partials showed something."""
        return sum(bool(shown.text) for told in self.finals for shown in told.partials)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a system made of all clips, and what it cost."""

    heard: tuple[Heard, ...]
    cpu_s: float
    wall_s: float
    late_s: float = 0.0
    """How late the latest frame was sent: what the harness itself did not hold."""
    refusals: int | None = None
    """How often a server refused a session, which then waited for its turn; None: there was no server."""
    admission_s: float = 0.0
    """How long the session waited to be taken that waited longest."""


def heard_of(name: str, recording: Recording, *, offset_s: float, paced: bool, cpu_s: float | None = None) -> Heard:
    """Return what was heard in a clip that lies on its tape from ``offset_s`` on; ``paced``: as it was spoken."""
    utterances = recording.utterances()
    return Heard(
        clip=name,
        finals=tuple(_told(utterance, offset_s) for utterance in utterances),
        has_words=True,
        cpu_s=cpu_s,
        problem=None if recording.complete else recording.failure or "it did not end as it should",
        final_delays_s=tuple(ending.after_speech_s for ending in recording.endings()) if paced else (),
        first_word_delays_s=tuple(_first_word_delays(recording, utterances)) if paced else (),
        partial_gaps_s=tuple(gap for utterance in utterances for gap in _gaps(utterance)) if paced else (),
    )


def _told(utterance: Sequence[Said], offset_s: float) -> Told:
    final = utterance[-1].result
    assert isinstance(final, FinalResult)
    return Told(
        text=final.text,
        words=tuple(
            Word(text=word.text, start_s=word.start_s - offset_s, end_s=word.end_s - offset_s) for word in final.words
        ),
        partials=tuple(Shown(text=p.text, stable=p.stable) for p in _partials(utterance)),
    )


def _partials(utterance: Sequence[Said]) -> list[PartialResult]:
    return [said.result for said in utterance if isinstance(said.result, PartialResult)]


def _first_word_delays(recording: Recording, utterances: Sequence[Sequence[Said]]) -> list[float]:
    delays: list[float] = []
    since_s = 0.0
    for utterance in utterances:
        final = utterance[-1].result
        assert isinstance(final, FinalResult)
        until_s = final.end_sample / ENGINE_RATE
        ends = [w.end_s for w in recording.tape.words if since_s <= (w.start_s + w.end_s) / 2 < until_s]
        shown = [
            said.at_s for said in utterance if isinstance(said.result, PartialResult | FinalResult) and said.result.text
        ]
        if ends and shown:
            delays.append(shown[0] - ends[0])
        since_s = until_s
    return delays


def _gaps(utterance: Sequence[Said]) -> list[float]:
    times_s = [said.at_s for said in utterance if isinstance(said.result, PartialResult)]
    return [later - earlier for earlier, later in pairwise(times_s)]
