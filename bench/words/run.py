"""The right words: real weights on real speech, plain faster-whisper beside ours. See `words.command`.

python bench/words/run.py --model tiny.en --speech MANIFEST --write     measures everything and renders the page
python bench/words/run.py --model FOLDER --only live-virtual-0.5        one column, on virtual time
python bench/words/run.py sweep --model tiny.en --speech MANIFEST       errors over the length of the window
python bench/words/run.py render                                        the page again, from the results
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips, pace and meters are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming")]
    sys.exit(import_module("words.command").main())
