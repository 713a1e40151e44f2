"""Who said which word: errors on conversations of two that are made of clips of one, and on clips of one alone.

python bench/speakers/run.py --speech MANIFEST --write      needs the weights, flite and espeak-ng; writes the page
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming")]
    sys.exit(import_module("speakers.command").main())
