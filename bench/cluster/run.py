"""Engine workers on Ray: 50 live sessions whose nodes are killed, and what a call costs more than a local one.

python bench/cluster/run.py --speech MANIFEST --write     measures everything (minutes; `pip install -e '.[bench,ray]'`)
python bench/cluster/run.py render                        docs/bench-cluster.md again, from the results
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips and facts are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming"), str(BENCH.parent / "tools")]
    sys.exit(import_module("cluster.command").main())
