"""Who is told for each word of a live session: with its final, and at last."""

import numpy as np
from engines.speakers.fake_embedder import FakeEmbedder
from speakers.conversations import Conversation
from speakers.live import told_live, utterances

from auricle.core import Word
from auricle.engines.protocol import ENGINE_RATE


def conversation(*said: tuple[float, float, int]) -> Conversation:
    """Words of half a second from one time to another, each as loud as its speaker is, in tenths."""
    audio = np.zeros(round((said[-1][1] + 1) * ENGINE_RATE), np.float32)
    words, speakers = [], []
    for begin, end, level in said:
        audio[round(begin * ENGINE_RATE) : round(end * ENGINE_RATE)] = level / 10
        starts = np.arange(begin, end, 0.5)
        words += [Word(text="w", start=float(at), end=float(at) + 0.5) for at in starts]
        speakers += [str(level)] * len(starts)
    return Conversation(name="talk", audio=audio, words=words, speakers=speakers)


def test_a_final_ends_with_half_a_second_of_silence() -> None:
    talk = conversation((0.0, 2.0, 3), (2.4, 3.4, 3), (4.0, 5.0, 5))
    assert [len(words) for words in utterances(talk.words)] == [6, 2]


def test_what_is_told_first_may_be_told_otherwise_at_last() -> None:
    """Two seconds are too little for a voice of one's own; with two more it is one."""
    live = told_live(FakeEmbedder(), conversation((0.0, 4.0, 3), (5.0, 7.0, 5), (8.0, 10.0, 5)))
    assert "".join(live.first) == "A" * 8 + "A" * 4 + "B" * 4
    assert "".join(live.last) == "A" * 8 + "B" * 8
