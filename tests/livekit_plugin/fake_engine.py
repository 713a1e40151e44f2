"""A fake engine that reads its words from the samples: a frame of the value 7 is the word "w7", zeros are silence."""

from collections.abc import Callable

import numpy as np

from auricle.core import ServerSession, Word
from auricle.core.parts import TurnTrigger
from auricle.core.session import Outputs

RATE = 16_000
BLOCK = 160
"""Samples in a block, and in a frame of these tests: 10 ms."""
SILENCE_BLOCKS = 30
MAYBE_BLOCKS = 10
"""Silence after which it is told that a turn may be over: one that ends with an even word is."""
TIMEOUT_BLOCKS = 100
"""Silence that ends any other turn."""
FAILING_VALUE = 666
"""The engine fails on an utterance with this value in it."""
Post = Callable[[Callable[[float], Outputs]], None]


def frame_of(value: int, blocks: int = 1) -> bytes:
    return np.full(BLOCK * blocks, value, dtype=np.int16).tobytes()


class FakeEngine:
    """Answers without delay. Positions are samples of the session."""

    def __init__(self, session: ServerSession, post: Post, origin: int, pause_ms: int | None = None) -> None:
        self._session = session
        self._pause_blocks = None if pause_ms is None else max(1, pause_ms // 10)
        self._post = post
        self._at = origin
        self._rest = b""
        self._begin = 0
        self._voiced = 0
        self._words: list[tuple[int, int, int]] | None = None
        self._spoken = 0
        self._last = 0
        """The last word."""
        self._turn_is_open = self._is_promised = False

    def feed(self, pcm: bytes) -> None:
        self._rest += pcm
        whole = len(self._rest) // (2 * BLOCK) * 2 * BLOCK
        for block in np.frombuffer(self._rest[:whole], dtype=np.int16).reshape(-1, BLOCK):
            self._hear(int(block[0]))
        self._rest = self._rest[whole:]
        self._progress()

    def skip(self, samples: int) -> None:
        for _ in range(samples // BLOCK):
            self._hear(0)
        self._progress()

    def cut(self, reason: str) -> None:
        """Emit the final of the open utterance."""
        if self._words is not None:
            self._final(reason)

    def _progress(self) -> None:
        at = self._at
        self._post(lambda now: self._session.progress(at, now=now))

    def _hear(self, value: int) -> None:
        begin, self._at = self._at, self._at + BLOCK
        self._take_turns(value)
        if value:
            if self._words is None:
                self._words, self._begin = [], begin
                self._post(lambda now: self._session.speech_start(begin, now=now))
            self._voiced = self._at
            if self._words and self._words[-1][0] == value:
                self._words[-1] = (value, self._words[-1][1], self._at)
            else:
                self._words.append((value, begin, self._at))
                self._partial()
        elif self._words is not None and self._at - self._voiced >= SILENCE_BLOCKS * BLOCK:
            self._final("endpoint")
        elif self._words is not None and self._at - self._voiced == (self._pause_blocks or -1) * BLOCK:
            self._partial(pause_s=(self._at - self._voiced) / RATE)

    def _take_turns(self, value: int) -> None:
        """Say what is to be said of the turn before the block that has just come is heard."""
        session, begin, voiced = self._session, self._at - BLOCK, self._voiced
        if value:
            self._last, self._turn_is_open = value, True
            if self._is_promised:
                self._is_promised = False
                self._post(lambda now: session.turn_resumed(begin, now=now))
            return
        silence, is_over = (self._at - voiced) // BLOCK, self._last % 2 == 0
        if self._words is not None and is_over and silence == MAYBE_BLOCKS:
            text, self._is_promised = self._text(), True
            self._post(lambda now: session.turn_maybe_end(text, at_sample=voiced, confidence=0.9, now=now))
        elif self._turn_is_open and self._words is None and (is_over or silence == TIMEOUT_BLOCKS):
            self._turn_is_open = self._is_promised = False
            trigger: TurnTrigger = "model" if is_over else "timeout"
            self._post(lambda now: session.turn_end(trigger, at_sample=voiced, now=now))

    def _text(self) -> str:
        return " ".join(f"w{value}" for value, _, _ in self._words or ())

    def _partial(self, pause_s: float | None = None) -> None:
        text, begin, end = self._text(), self._begin / RATE, self._voiced / RATE
        self._post(
            lambda now: self._session.partial(text, start_s=begin, end_s=end, stable=0, pause_s=pause_s, now=now)
        )

    def _final(self, reason: str) -> None:
        text, begin, voiced, at = self._text(), self._begin / RATE, self._voiced, self._at
        words = tuple(
            Word(text=f"w{value}", start=start / RATE, end=end / RATE, confidence=0.9)
            for value, start, end in self._words or ()
        )
        fails = any(value == FAILING_VALUE for value, _, _ in self._words or ())
        self._words = None
        session = self._session
        if fails:
            self._post(lambda now: session.segment_failed(at, "it cannot be said", now=now))
            self._post(lambda now: session.speech_end(voiced, now=now))
            return
        self._post(
            lambda now: session.final(
                text, end_sample=at, start_s=begin, end_s=voiced / RATE, confidence=0.9, reason=reason, words=words,  # type: ignore[arg-type]
                language="en", now=now,
            )
        )  # fmt: skip
        self._post(lambda now: session.speech_end(voiced, now=now))
