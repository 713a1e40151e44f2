"""How many words have the wrong speaker. Pure."""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations


def wrong_words(told: Sequence[str], true: Sequence[str]) -> int:
    """Return the words with the wrong speaker, names being matched so that it is the fewest.

    A name that is told stands for one speaker: who is told as two is wrong where the second one is told. That is the
    word-level diarization error; source: Shafey, Soltau and Shafran, Joint Speech Recognition and Speaker Diarization
    via Sequence Transduction (2019).
    """
    both = Counter(zip(told, true, strict=True))
    names, speakers = sorted(set(told)), sorted(set(true))
    places = [*names, *([""] * len(speakers))]
    right = max(
        (sum(both[name, speaker] for name, speaker in zip(chosen, speakers, strict=True)))
        for chosen in set(permutations(places, len(speakers)))
    )
    return len(true) - right
