"""Engine workers on Ray: what a call costs more than a local one, and 50 live sessions whose nodes are killed.

python bench/cluster/run.py --write     measures everything (some minutes, `pip install -e '.[bench,ray]'`)
python bench/cluster/run.py render      docs/bench-cluster.md again, from the results
"""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    bench = Path(__file__).parents[1]
    sys.path[:1] = [str(bench), str(bench / "streaming"), str(bench.parent / "tools")]
    sys.exit(import_module("cluster.command").main())
