"""Files whose names begin with a dash, which every command line takes for options."""

import os
from collections.abc import Sequence
from itertools import takewhile


def hint_for(arguments: Sequence[str]) -> str | None:
    """Return a sentence about the first argument that is read as an option and names a file; None where none does."""
    options = [word for word in takewhile(lambda word: word != "--", arguments) if word.startswith("-") and word != "-"]
    # Not `Path.exists`, which raises where an option with its value is longer than any name of a file.
    name = next((word for word in options if os.path.exists(word)), None)
    return None if name is None else f"There is a file of the name {name}: write ./{name} where that is meant."
