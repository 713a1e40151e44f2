"""A live session that talks until it is told to stop, and what it has heard: words that nobody else says.

The words are in the audio, so that one that is missing, doubled or another session's is known for certain.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import trio
from fault_injection.listening.engine import PAUSE_SAMPLES, RATE, WORD_SAMPLES, spoken, text_of

from auricle.core import Final as FinalEvent
from auricle.core import SessionClosed
from auricle.core.events import Interrupted
from auricle.transports.trio import connect
from auricle.transports.trio.client import Client

WORDS: Final = 2
"""Of an utterance."""
UTTERANCE_S: Final = (WORDS * WORD_SAMPLES + PAUSE_SAMPLES) / RATE
SPEECH_S: Final = WORDS * WORD_SAMPLES / RATE
FRAME_SAMPLES: Final = 2_048
"""128 ms: a word, a pause and an utterance are a whole number of them."""
SAMPLE_BYTES: Final = 2
FIRST_WORD: Final = 1_000
MOST_WORDS: Final = 600
"""Values that a session has to itself: 50 sessions fit into a sample of 16 bits, and talk for eight minutes."""


@dataclass
class Heard:
    """What came of one session, or of several."""

    words: int = 0
    """That were said."""
    missing: int = 0
    doubled: int = 0
    strange: int = 0
    """Words that the session has never said."""
    disordered: int = 0
    """Sessions whose words are all there, in another order or other utterances."""
    incomplete: int = 0
    """Sessions that were not proved complete."""
    interrupted: int = 0
    """Connections that were lost."""
    delays_s: list[float] = field(default_factory=list)
    """From the end of each utterance's speech to its final."""

    def add(self, other: "Heard") -> None:
        """Add that of another session."""
        for name in ("words", "missing", "doubled", "strange", "disordered", "incomplete", "interrupted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays_s += other.delays_s


async def talk(url: str, number: int, stop: trio.Event) -> Heard:
    """Talk at the pace of speech until ``stop``, to the end of an utterance; return what came of it."""
    said: list[list[int]] = []
    finals: list[tuple[float, str]] = []
    heard = Heard()
    async with connect(url) as client, trio.open_nursery() as nursery:
        began_s = trio.current_time()
        nursery.start_soon(_send, client, number, said, began_s, stop)
        async for event in client:
            match event:
                case FinalEvent(text=text) if text:
                    finals.append((trio.current_time() - began_s, text))
                case Interrupted():
                    heard.interrupted += 1
                case SessionClosed(complete=complete):
                    heard.incomplete += complete is not True
                case _:
                    pass
    compare(heard, said, finals)
    return heard


def script(number: int, utterance: int) -> list[int]:
    """Return the words of an utterance, which nobody else says, and no other utterance has."""
    first = WORDS * utterance
    if first + WORDS > MOST_WORDS:
        raise ValueError(f"A session has {MOST_WORDS} words, and its utterance {utterance} would have others' words.")
    return [FIRST_WORD + MOST_WORDS * number + first + word for word in range(WORDS)]


def compare(heard: Heard, said: Sequence[Sequence[int]], finals: Sequence[tuple[float, str]]) -> None:
    """Compare what was said with the finals, each with the second of its arrival."""
    expected = [text_of(words) for words in said]
    wanted, got = (Counter(" ".join(texts).split()) for texts in (expected, [text for _, text in finals]))
    heard.words = wanted.total()
    heard.missing = (wanted - got).total()
    heard.doubled = sum(got[word] - 1 for word in wanted if got[word] > 1)
    heard.strange = sum(many for word, many in got.items() if word not in wanted)
    in_place = [text for _, text in finals] == expected
    heard.disordered = not in_place and wanted == got
    if in_place:
        heard.delays_s = [at_s - UTTERANCE_S * index - SPEECH_S for index, (at_s, _) in enumerate(finals)]


async def _send(client: Client, number: int, said: list[list[int]], began_s: float, stop: trio.Event) -> None:
    step = FRAME_SAMPLES * SAMPLE_BYTES
    frames = count()
    for utterance in count():
        if stop.is_set():
            break
        said.append(script(number, utterance))
        audio = spoken([said[-1]])
        for at in range(0, len(audio), step):
            # A frame is sent when its last sample has been spoken.
            await trio.sleep_until(began_s + (next(frames) + 1) * FRAME_SAMPLES / RATE)
            await client.send_audio(audio[at : at + step])
    await client.end_input()
