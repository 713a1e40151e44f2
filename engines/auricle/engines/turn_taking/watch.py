"""`TurnWatch`: follows the turn of one session block by block, and says when it may be over, goes on, and is over.

An utterance is over where the silence is long enough for it; a turn where the silence is long enough given what the
detector says of the audio before it. The detector is asked at the onset of a silence, and its answer is needed only
when the shortest silence that ends a turn has passed: by then it is there. Where audio comes faster than it was spoken
the watch waits for it, within its budget, so that what is said about turns does not depend on how fast that is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from auricle.engines.audio.endpointing import Quiet, Speaking
from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.audio.vad_thresholds import SILENCE_THRESHOLD
from auricle.engines.protocol import BLOCK, ENGINE_RATE, Result
from auricle.engines.turn_results import TurnGoesOn, TurnMaybeOver, TurnOver
from auricle.engines.turn_taking.decision import TurnRules, may_be_over, reason_of_end, silence_that_ends
from auricle.engines.turn_taking.judge import Question, TurnJudge
from auricle.engines.turn_taking.protocol import LONGEST_AUDIO_S

ONSET: Final = 4 * BLOCK
"""Silence that a detector hears of a pause, in engine samples: it is asked when there is so much."""
LONGEST_AUDIO: Final = round(LONGEST_AUDIO_S * ENGINE_RATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTaking:
    """How a session tells when a turn is over."""

    rules: TurnRules
    judge: TurnJudge | None = None
    """None: silence alone tells."""


class TurnWatch:
    """The turn of one session. Positions are engine samples; ``session_sample`` makes positions of results of them.

    Calls must not overlap. Nothing here needs a lock: only the answer of the detector comes from another thread.
    """

    def __init__(self, taking: TurnTaking, audio: RetainedAudio, session_sample: Callable[[int], int]) -> None:
        self._rules = taking.rules
        self._judge = taking.judge
        self._audio = audio
        self._session_sample = session_sample
        rules = taking.rules
        self._earliest = round((rules.unknown_s if taking.judge is None else rules.over_s) * ENGINE_RATE)
        """The shortest silence that can end a turn."""
        self.speculate_after = round(rules.maybe_s * ENGINE_RATE) if taking.judge is None else ONSET
        """Silence after which it should be heard what the final will be."""
        self._voiced_until = 0
        """Where somebody was last heard."""
        self._opened: int | None = None
        """Where the audio of the turn begins; None until somebody speaks."""
        self._question: Question | None = None
        self._is_promised = False
        self._is_over = False
        """Whether the end has been told. At first it has not: a session may go on in the turn of another one."""

    def silence_that_ends(self, voice: Quiet | Speaking, probability: float, end: int) -> int | None:
        """Return the silence that ends the open utterance with the block that ends at ``end``, for the turn is over.

        None: the turn does not ask for it. May wait for the detector.
        """
        if not isinstance(voice, Speaking) or probability >= SILENCE_THRESHOLD:
            return None
        if end - voice.voiced_until < self._earliest:
            return None
        return round(silence_that_ends(self._rules, self._answer()) * ENGINE_RATE)

    def follow(self, voice: Quiet | Speaking, end: int) -> list[Result]:
        """Take the state of voice detection after the block that ends at ``end``; say so if the turn goes on."""
        if not isinstance(voice, Speaking):
            return []
        results: list[Result] = []
        self._voiced_until = voice.voiced_until
        if voice.voiced_until == end:
            results = self._goes_on(end)
        if self._is_over or self._opened is None:
            self._is_over, self._opened = False, voice.opened
        if self._judge is not None and self._question is None and end - voice.voiced_until >= ONSET:
            begin = max(self._opened, end - LONGEST_AUDIO, self._audio.start)
            self._question = self._judge.ask(self._audio.slice(begin, end))
        return results

    def seems_over(self, end: int) -> bool:
        """Return whether it is to be told now that the turn may be over. Does not wait for the detector."""
        if self._is_promised or (self._judge is not None and not (self._question and self._question.settled.is_set())):
            return False
        return may_be_over(self._rules, self._answer(), (end - self._voiced_until) / ENGINE_RATE)

    def maybe_over(self, open_text: str) -> list[Result]:
        """Return that the turn may be over with the open utterance, whose final will be ``open_text``."""
        self._is_promised = True
        probability = self._answer()
        at = self._session_sample(self._voiced_until)
        return [TurnMaybeOver(at_sample=at, open_text=open_text, probability=probability)]

    def over(self, voice: Quiet | Speaking, end: int) -> list[Result]:
        """Return that the turn is over, where no utterance is open and the silence is long enough, or nothing."""
        begins = not isinstance(voice, Quiet) or voice.candidate is not None
        if self._is_over or begins or end - self._voiced_until < self._earliest:
            return []
        probability = self._answer()
        if end - self._voiced_until < round(silence_that_ends(self._rules, probability) * ENGINE_RATE):
            return []
        self._is_over, self._is_promised, self._question = True, False, None
        at, trigger = self._session_sample(self._voiced_until), reason_of_end(self._rules, probability)
        return [TurnOver(at_sample=at, trigger=trigger, probability=probability)]

    def next_event(self, voice: Quiet | Speaking, heard: int, otherwise: int) -> int:
        """Return the first position behind ``heard`` at which anything may be said about the turn, or ``otherwise``."""
        if self._is_over or self._opened is None:
            return otherwise
        is_spoken = isinstance(voice, Speaking) and voice.voiced_until == heard
        return min(otherwise, heard + (ONSET if is_spoken else BLOCK))

    def needs_from(self, end: int) -> int:
        """Return the position from which on audio is needed, after the block that ends at ``end``."""
        if self._judge is None or self._is_over or self._opened is None:
            return end
        return max(self._opened, end - LONGEST_AUDIO)

    def _goes_on(self, end: int) -> list[Result]:
        """Somebody speaks: what was asked is of no interest, and what was promised does not hold."""
        if self._question is not None:
            self._question.withdraw()
        promised, self._question, self._is_promised = self._is_promised, None, False
        return [TurnGoesOn(at_sample=self._session_sample(max(0, end - BLOCK)))] if promised else []

    def _answer(self) -> float | None:
        return None if self._question is None else self._question.answer()
