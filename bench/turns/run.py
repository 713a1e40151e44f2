"""Ends of turns: false cut-offs against delay, for silence alone and for a turn detector.

python bench/turns/run.py --speech MANIFEST                       silence alone and Smart Turn
python bench/turns/run.py --speech MANIFEST --detectors silence   needs no weights
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming")]
    sys.exit(import_module("turns.command").main())
