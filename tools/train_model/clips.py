"""The test set that lies in the repository: held-out sentences, by voices of the training and by held-out ones."""

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from train_model import augmentation
from train_model.features import RATE
from train_model.speech import Speech
from train_model.voices import HELD_OUT, SEEN_IN_TESTS, Voice, say_all
from train_model.words import grammatical_sentence

SENTENCES: Final = 600
"""Held out altogether; the repository holds recordings of some."""
OF_HELD_OUT_VOICE: Final = 8
OF_SEEN_VOICE: Final = 5
TRIAL_OF_HELD_OUT_VOICE: Final = 60
TRIAL_OF_SEEN_VOICE: Final = 20
_SEED: Final = 20_000_003
_TRIAL_SEED: Final = 7

Clip = tuple[Voice, str, Speech]
"""Who says what, and how it sounds."""


def held_out_sentences() -> list[str]:
    """Return the held-out sentences, always the same, each of three words or more."""
    rng = random.Random(_SEED)
    found: dict[str, None] = {}
    while len(found) < SENTENCES:
        text = grammatical_sentence(rng)
        if len(text.split()) >= 3:
            found[text] = None
    return list(found)


def spoken_clips(each_held_out: int, each_seen: int, seed: int) -> Iterator[Clip]:
    """Yield test recordings at `RATE`, undisturbed but for a little noise: voice, text, speech."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    sentences = held_out_sentences()
    rng.shuffle(sentences)
    requests = [(sentences.pop(), voice) for voice in HELD_OUT for _ in range(each_held_out)]
    requests += [(sentences.pop(), voice) for voice in SEEN_IN_TESTS for _ in range(each_seen)]
    for text, voice, speech in say_all(requests, rng):
        placed = augmentation.trimmed(augmentation.at_rate(speech, 1.0), 0.2, 0.2)
        audio = augmentation.at_level(augmentation.with_noise(placed.audio, 40, noise), noise.uniform(0.2, 0.8))
        yield voice, text, placed._replace(audio=audio)


def write_repository_clips(folder: Path) -> None:
    """Write the repository's clips and their manifest."""
    _write(folder, spoken_clips(OF_HELD_OUT_VOICE, OF_SEEN_VOICE, _SEED))


def write_trial_clips(folder: Path, each_held_out: int, each_seen: int) -> None:
    """Write `trial_clips` and their manifest."""
    _write(folder, trial_clips(each_held_out, each_seen))


def trial_clips(each_held_out: int = TRIAL_OF_HELD_OUT_VOICE, each_seen: int = TRIAL_OF_SEEN_VOICE) -> Iterator[Clip]:
    """Yield test recordings that do not lie in the repository: enough of them to tell small differences."""
    return spoken_clips(each_held_out, each_seen, _TRIAL_SEED)


def _write(folder: Path, clips: Iterable[Clip]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for index, (voice, text, speech) in enumerate(clips):
        name = f"{index:02d}-{voice.name.replace('+', '-')}.ogg"
        soundfile.write(folder / name, speech.audio, RATE, format="OGG", subtype="VORBIS")
        words = [{"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)} for word in speech.words]
        lines.append(
            {
                "path": name,
                "voice": str(voice),
                "held_out_voice": voice in HELD_OUT,
                "seconds": round(len(speech.audio) / RATE, 3),
                "text": text,
                "words": words,
            }
        )
    manifest = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "manifest.jsonl").write_text(manifest, encoding="utf-8")
