"""What a session said and when, and what can be read from it. Pure: times are seconds since its tape began."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clips import Tape, Word
from metrics import changed_words, commit_times, left_out, words_of
from pacing import heard_by

from auricle.engines.protocol import (
    ENGINE_RATE,
    FinalResult,
    PartialResult,
    Result,
    SpeechEnded,
    SpeechStarted,
    UtteranceFailed,
)

AROUND_S = 0.3
"""A word lies within speech that begins or ends this much later or earlier: aligners and detectors differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A result, and when it came."""

    at_s: float
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A final at the end of speech, and how long it took."""

    final: FinalResult
    after_speech_s: float
    """Since the last word ended, by the manifest."""
    after_endpoint_s: float
    """Since the audio had come with which the utterance was over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One session, from the first frame to the last result."""

    tape: Tape
    frame_s: float
    said: tuple[Said, ...]
    finish_s: float
    """When the input was ended."""
    done_s: float | None
    """When the last result came; None: it never did."""
    late_s: float
    """How late the latest frame was sent: what the harness itself did not hold."""
    failure: str | None = None

    @property
    def finals(self) -> list[FinalResult]:
        """The finals, in order."""
        return [said.result for said in self.said if isinstance(said.result, FinalResult)]

    @property
    def partials(self) -> int:
        """How many partials there were."""
        return sum(isinstance(said.result, PartialResult) for said in self.said)

    @property
    def text(self) -> str:
        """What was heard."""
        return " ".join(final.text for final in self.finals)

    @property
    def complete(self) -> bool:
        """Whether it ended as it should."""
        failed = any(isinstance(said.result, UtteranceFailed) for said in self.said)
        return self.done_s is not None and self.failure is None and not failed

    def endings(self) -> list[Ending]:
        """Return the finals at endpoints that have words before them; other finals end with no speech."""
        found: list[Ending] = []
        since_s = 0.0
        for said in self.said:
            if not isinstance(said.result, FinalResult):
                continue
            until_s = said.result.end_sample / ENGINE_RATE
            spoken_s = end_of_speech(self.tape.words, since_s, until_s)
            if said.result.reason == "endpoint" and spoken_s is not None:
                found.append(
                    Ending(
                        final=said.result,
                        after_speech_s=said.at_s - spoken_s,
                        after_endpoint_s=said.at_s - heard_by(until_s, self.frame_s),
                    )
                )
            since_s = until_s
        return found

    def utterances(self) -> list[list[Said]]:
        """Return the partials of each utterance, with its final as the last."""
        found: list[list[Said]] = []
        utterance: list[Said] = []
        for said in self.said:
            if isinstance(said.result, PartialResult):
                utterance.append(said)
            elif isinstance(said.result, FinalResult):
                found.append([*utterance, said])
                utterance = []
        return found

    def changed(self) -> int:
        """Return how many words were shown and then changed."""
        return sum(changed_words(text_of(said) for said in utterance) for utterance in self.utterances())

    def commit_latencies(self) -> list[float]:
        """Return for each word with a time how long after its end it was promised."""
        latencies: list[float] = []
        for *partials, last in self.utterances():
            assert isinstance(last.result, FinalResult)
            promised = [(said.at_s, len(words_of(stable_of(said)))) for said in partials]
            times = commit_times(promised, last.at_s, len(last.result.words))
            latencies += [at_s - word.end_s for at_s, word in zip(times, last.result.words, strict=True)]
        return latencies

    def promised_early(self) -> tuple[int, int]:
        """Return how many words of the finals a partial had promised, and how many words there are."""
        early = total = 0
        for *partials, last in self.utterances():
            words = len(words_of(text_of(last)))
            early += min(words, max((len(words_of(stable_of(said))) for said in partials), default=0))
            total += words
        return early, total

    def update_gaps(self) -> list[float]:
        """Return the seconds from one partial of an utterance to the next."""
        return [after.at_s - before.at_s for *partials, _ in self.utterances() for before, after in pairwise(partials)]

    def unheard_words(self) -> int:
        """Return how many words of the reference lie in no speech that got a final."""
        heard = [(begin_s - AROUND_S, end_s + AROUND_S) for begin_s, end_s in self.answered_speech()]
        middles = ((word.start_s + word.end_s) / 2 for word in self.tape.words)
        return sum(not any(begin <= middle <= end for begin, end in heard) for middle in middles)

    def answered_speech(self) -> list[tuple[float, float]]:
        """Return from where to where somebody spoke, where a final came of it."""
        spans: list[tuple[float, float]] = []
        began_s, answered = 0.0, False
        for result in (said.result for said in self.said):
            match result:
                case SpeechStarted(at_sample=at):
                    began_s, answered = at / ENGINE_RATE, False
                case FinalResult():
                    answered = True
                case SpeechEnded(at_sample=at) if answered:
                    spans.append((began_s, at / ENGINE_RATE))
                case _:
                    pass
        return spans

    def words_missing(self, unloaded: "Recording") -> int:
        """Return how many words were heard when nobody else spoke, and are missing now."""
        return left_out(unloaded.text, self.text)


def gather(recordings: Sequence[Recording], read: Callable[[Recording], Sequence[float]]) -> list[float]:
    """Return what is read from each, all together."""
    return [value for recording in recordings for value in read(recording)]


def end_of_speech(words: Sequence[Word], since_s: float, until_s: float) -> float | None:
    """Return where the last word ends whose middle lies in between; a word that ends behind is clipped."""
    ends = [word.end_s for word in words if since_s <= (word.start_s + word.end_s) / 2 < until_s]
    return min(ends[-1], until_s) if ends else None


def text_of(said: Said) -> str:
    """Return the text of a partial or a final."""
    assert isinstance(said.result, PartialResult | FinalResult)
    return said.result.text


def stable_of(said: Said) -> str:
    """Return what a partial promises."""
    assert isinstance(said.result, PartialResult)
    return said.result.text[: said.result.stable]
