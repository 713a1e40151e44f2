"""The results page as text. Pure; render.py writes it."""

from collections.abc import Sequence
from typing import Any

from batches import batch_lines
from tables import section

HEAD = """# What streaming costs, and how fast it is

Made by `python bench/streaming/run.py --model NAME --write` (`pip install -e '.[bench]'`), a run for each model.
"""
TAIL = """
## How to read it

* Everything but seconds is a ratio within one run: to the same model offline, or to the naive server. What else the
  machine did struck both. Children's CPU time is included.
* **offline short-window decode**: the clip at once through our decoder as a final, word times included. **offline
  faster-whisper**: `transcribe`, padded to 30 s, greedy, one thread. For the CPU time of one session each clip is
  decoded in a short window when it would have been spoken, like the session's own windows: in a hurry, one right after
  the other, they are cheaper, because caches and processor are warm. What the harness itself takes, measured with a
  session that hears nothing, is subtracted.
* **naive** does what today's servers do: faster-whisper pads the whole buffer to 30 s and decodes it again at every
  update, LocalAgreement-2 commits words, one lock around the model, the buffer is trimmed above 15 s. The same Silero
  with the same rules ends its utterances, and then the buffer is decoded once more. It aims at as many updates a second
  as ours; where the lock does not let it, it makes fewer, which saves it CPU time.
* **end of speech** is the end of the last word before a final, by the manifest's times (forced alignment or the
  synthesiser: good to about 0.1 s); **endpoint**: the audio has arrived with which the silence was long enough.
  So final − end of speech includes the silence that was asked for, and what voice detection adds to it.
* **update interval**: what was asked for. **promised**: in the `stable` part of a partial, or else in the final.
* **changed partial words**: words shown and then taken back or replaced by another, those after them included.
* **sessions**: one process, real-time pace, voice-agent traffic (a pause of 4/3 of each clip), staggered starts. A
  trial holds when every session ends and the delay's 95th percentile over all finals is within the bar. Where the
  naive one holds none, ten times one are asked of ours. *Saturation* is the smallest trial that did not hold.
  A trial that did not hold, and in which the harness itself was late by more than 0.1 s, is repeated once; the table
  shows both.
* **words lost**: words of the reference that lie in no final, beyond what one session alone leaves out; and words in
  the text of one session alone that the same tape did not get here.
* **tail pad**: whole clips straight through CTranslate2, without guards or second attempts, and without buckets of
  lengths.
* **a silent session**: digital silence at the pace of speech, many sessions; the cost of the same sessions without an
  engine is subtracted.
"""


def page(results: Sequence[dict[str, Any]], batches: Sequence[dict[str, Any]], images: Sequence[str]) -> str:
    """Return the page."""
    lines = [HEAD]
    for image in images:
        lines += [image, ""]
    for one in results:
        lines += section(one)
    return "\n".join([*lines, *batch_lines(batches)]).rstrip() + "\n" + TAIL
