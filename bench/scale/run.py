"""A plan past this machine: how many sessions 10, 100 and 1,000 GPUs hold, simulated with the real scheduler.

python bench/scale/run.py --write     simulates everything (some minutes) and renders docs/scale.md
python bench/scale/run.py render      the page again, from the results
"""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(import_module("scale.command").main())
