"""festival, one run for many sentences: waveforms, and where each word of them lies."""

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from train_model.speech import Speech, SpokenWord

_SCHEME: Final = """
(define (say text stretch out)
  (Parameter.set 'Duration_Stretch stretch)
  (let ((utt (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.save.wave utt out 'riff)
    (mapcar
      (lambda (w) (format t "%s %f %f\\t" (item.name w) (item.feat w "word_start") (item.feat w "word_end")))
      (utt.relation.items utt 'Word))
    (format t "\\n")))
"""


def say_all(sentences: Sequence[tuple[str, float]], voice: str) -> Iterator[Speech]:
    """Yield each (text, stretch) as ``voice`` says it, in order."""
    for start in range(0, len(sentences), 200):
        yield from _batch(sentences[start : start + 200], voice)


def _batch(sentences: Iterable[tuple[str, float]], voice: str) -> Iterator[Speech]:
    with tempfile.TemporaryDirectory() as folder:
        calls = [
            f'(say "{text}" {stretch:.3f} "{folder}/{index}.wav")' for index, (text, stretch) in enumerate(sentences)
        ]
        script = Path(folder) / "say.scm"
        script.write_text("\n".join([f"(voice_{voice})", _SCHEME, *calls]), encoding="ascii")
        said = subprocess.run(
            ["festival", "--batch", str(script)], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        for index, line in enumerate(said):
            audio, rate = soundfile.read(f"{folder}/{index}.wav", dtype="float32")
            parts = [part.split() for part in line.split("\t") if part.strip()]
            words = tuple(SpokenWord(name, float(start), float(end)) for name, start, end in parts)
            yield Speech(np.asarray(audio, dtype=np.float32), int(rate), words)
