"""Plain decoding of the utterances that a live session hears."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from clips import Clip
from words.cuts import PlainOnCuts
from words.samples import Sample

from auricle.engines.protocol import ENGINE_RATE, Samples
from bench.words.test_virtual import Counting

HALF_S = ENGINE_RATE // 2


class PlainModel:
    """Says which call it is."""

    def __init__(self) -> None:
        self.heard_s: list[float] = []

    def transcribe(self, audio: Samples, *, language: str | None, beam_size: int) -> tuple[Sequence[Any], None]:
        self.heard_s.append(len(audio) / ENGINE_RATE)
        return [SimpleNamespace(text=f" call {len(self.heard_s)}")], None


def sample() -> Sample:
    loud, quiet = np.full(2 * HALF_S, 0.5, dtype=np.float32), np.zeros(HALF_S, dtype=np.float32)
    clip = Clip(name="two", samples=np.concatenate([loud, quiet, loud]), text="one two", words=())
    return Sample(clip=clip, kind="utterance", language="en", has_reference=True)


@pytest.mark.parametrize(("silence_s", "finals"), [(0.2, ["call 1", "call 2"]), (0.8, ["call 1"])])
def test_each_utterance_is_decoded_alone_and_once(silence_s: float, finals: list[str]) -> None:
    model = PlainModel()
    system = PlainOnCuts(
        model=lambda: model,  # type: ignore[arg-type,return-value]
        engine=Counting,
        silence_s=silence_s,
        detect_language=False,
    )
    (heard,) = system.hear([sample()], lambda name: None).heard
    assert [told.text for told in heard.finals] == finals
    assert len(model.heard_s) == len(finals)
    assert all(1.0 <= heard_s < 4.0 for heard_s in model.heard_s)
