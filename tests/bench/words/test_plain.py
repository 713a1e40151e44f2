"""The baseline: plain faster-whisper, which does not say the same in every run."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from clips import Clip
from words.plain import TAKES, Plain
from words.samples import Sample


class Unsteady:
    """Says something else each time."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def transcribe(self, samples: Any, **options: Any) -> tuple[list[Any], None]:
        return [SimpleNamespace(text=self.texts.pop(0))], None


def test_the_better_of_its_runs_is_told() -> None:
    clip = Clip(name="a", samples=np.zeros(16_000, dtype=np.float32), text="red green", words=())
    sample = Sample(clip=clip, kind="utterance", language="en", has_reference=True)
    for texts in (("red", "Red, green."), ("Red, green.", "red")):
        model = Unsteady(*texts)
        plain = Plain(model=lambda model=model: model, beam_size=5, vad_filter=False, detect_language=False)  # type: ignore[misc]
        assert plain.hear([sample], lambda name: None).heard[0].text == "Red, green."
        assert not model.texts
    assert len(texts) == TAKES
