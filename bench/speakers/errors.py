"""How many words have the wrong speaker. Pure."""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations


def wrong_words(told: Sequence[str], true: Sequence[str]) -> int:
    """Return the words with the wrong speaker, names being matched so that it is the fewest.

    An empty name is nobody's, and wrong. A name that is told stands for one speaker: who is told as two is wrong where
    the second one is told. That is the word-level diarization error; source: Shafey, Soltau and Shafran, Joint Speech
    Recognition and Speaker Diarization via Sequence Transduction (2019).
    """
    both = Counter(pair for pair in zip(told, true, strict=True) if pair[0])
    names, speakers = sorted(set(told) - {""}), sorted(set(true))
    places = [*names, *([""] * len(speakers))]
    right = max(
        (sum(both[name, speaker] for name, speaker in zip(chosen, speakers, strict=True)))
        for chosen in set(permutations(places, len(speakers)))
    )
    return len(true) - right
