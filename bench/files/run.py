"""An hour of M4A through `auricle transcribe` and through whisper-ctranslate2, on the same weights, in one run.

python bench/files/run.py --speech MANIFEST --peer PROGRAM --write     measures everything and renders the page
python bench/files/run.py render                                       the page again, from the results
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips and meters are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming")]
    sys.exit(import_module("files.command").main())
