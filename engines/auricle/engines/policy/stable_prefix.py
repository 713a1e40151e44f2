"""The stable prefix: words that partials have promised, which every later partial and the final begin with (O5).

The words of a final are those of its decode. Where a promise says otherwise, the two are aligned by edits: the promised
words stay, each with the time of its counterpart, and the decode goes on behind them.
"""

from collections.abc import Sequence
from dataclasses import replace

from auricle.engines.policy.agreement import counterparts
from auricle.engines.protocol import TimedWord, Transcript


def with_stable_prefix(transcript: Transcript, promised: Sequence[str]) -> Transcript:
    """Return the transcript beginning with the promised words; text and words stay one thing."""
    heard = transcript.text.split()
    if not promised or heard[: len(promised)] == list(promised):
        return transcript
    matches, covered = counterparts(promised, heard)
    text = " ".join((*promised, *heard[covered:]))
    if len(transcript.words) != len(heard):
        return replace(transcript, text=text, words=())
    return replace(
        transcript, text=text, words=(*_timed(promised, matches, transcript.words), *transcript.words[covered:])
    )


def _timed(promised: Sequence[str], matches: Sequence[int | None], words: Sequence[TimedWord]) -> tuple[TimedWord, ...]:
    """Return the promised words with the times of their counterparts; without one, at the end of the word before."""
    timed: list[TimedWord] = []
    for word, match in zip(promised, matches, strict=True):
        if match is not None:
            timed.append(replace(words[match], text=word))
            continue
        at_s = timed[-1].end_s if timed else (words[0].start_s if words else 0.0)
        timed.append(TimedWord(text=word, start_s=at_s, end_s=at_s))
    return tuple(timed)
