"""Virtual time: the same words at the same times in every run, whatever the machine does meanwhile."""

from collections.abc import Sequence

import numpy as np
import pytest
from clips import LEAD_S, Clip, Tape, Word, lay
from words.files import recording_of
from words.heard import Heard, heard_of
from words.virtual import fixed, measured, play_virtually

from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineError,
    EngineInfo,
    Lanes,
    LoadProgress,
    Samples,
    StreamConfig,
    TimedWord,
    Transcript,
    VoiceDetector,
    Window,
)

CONFIG = StreamConfig(silence_s=0.3)
FRAME_S = 0.1


class Loud:
    """Takes what is loud for speech."""

    def __call__(self, blocks: Samples) -> list[float]:
        return [float(np.abs(block).max() > 0.05) for block in blocks]


class Counting:
    """Hears one word in every half second of the session that is loud."""

    info = EngineInfo(name="counting", model="none")
    lanes = Lanes()

    def __init__(self, *, failing: bool = False) -> None:
        self.failing = failing
        self.decodes = 0

    def load(self, progress: LoadProgress) -> None:
        pass

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        return Loud()

    def close(self) -> None:
        pass

    def decode(self, windows: Sequence[Window]) -> list[Transcript]:
        self.decodes += 1
        if self.failing:
            raise EngineError("It is out of order.")
        return [self._decode(window) for window in windows]

    def _decode(self, window: Window) -> Transcript:
        half = ENGINE_RATE // 2
        words = []
        for slot in range(window.start_sample // half, (window.start_sample + len(window.audio)) // half):
            begin = max(0, slot * half - window.start_sample)
            if np.abs(window.audio[begin : begin + half]).max(initial=0.0) > 0.05:
                start_s = begin / ENGINE_RATE
                words.append(TimedWord(text=f"w{slot}", start_s=start_s, end_s=start_s + 0.5))
        return Transcript(text=" ".join(word.text for word in words), words=tuple(words), confidence=1.0)


def tape() -> Tape:
    loud = np.full(2 * ENGINE_RATE, 0.5, dtype=np.float32)
    word = Word(text="w", start_s=0.0, end_s=2.0)
    return lay([Clip(name="tone", samples=loud, text="w", words=(word,))], lambda _: 1.0)


def played(delay_s: float) -> Heard:
    heard = tape()
    said = play_virtually(Counting(), heard, CONFIG, frame_s=FRAME_S, delay=fixed(delay_s))
    return heard_of("tone", recording_of(heard, said, FRAME_S), offset_s=LEAD_S, paced=True)


def test_it_repeats_exactly() -> None:
    assert played(0.15) == played(0.15)


def test_a_slow_decode_comes_later_and_shows_less() -> None:
    quick, slow = played(0.01), played(0.9)
    assert quick.problem is slow.problem is None
    assert quick.text == slow.text
    assert quick.partials > slow.partials
    assert slow.final_delays_s[0] - quick.final_delays_s[0] > 0.3


def test_the_delay_of_a_final_holds_the_silence_that_ends_it() -> None:
    (delay_s,) = played(0.01).final_delays_s
    assert delay_s == pytest.approx(CONFIG.silence_s, abs=0.15)


def test_a_decode_that_fails_is_told() -> None:
    heard = tape()
    said = play_virtually(Counting(failing=True), heard, CONFIG, frame_s=FRAME_S, delay=fixed(0.1))
    assert heard_of("tone", recording_of(heard, said, FRAME_S), offset_s=LEAD_S, paced=True).problem is not None


def test_measured_delays_are_multiples_of_what_it_cost() -> None:
    assert measured(2.0)(Window(audio=np.zeros(0, dtype=np.float32), config=CONFIG, final=True), 0.25) == 0.5
