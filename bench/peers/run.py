"""Other servers and ours, on the same weights, clips and pace, in one run. See `peers.command`.

python bench/peers/run.py --speech MANIFEST --write                 installs, measures and renders the page
python bench/peers/run.py --speech MANIFEST --quick --only ours     tries one of them on little speech
python bench/peers/run.py render                                    the page again, from the results that are kept
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips, pace and meters are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming")]
    sys.exit(import_module("peers.command").main())
