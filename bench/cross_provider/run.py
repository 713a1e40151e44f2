"""LiveKit Agents' own test of its speech-to-text plugins, unchanged, with ours in the place of one of them.

python bench/cross_provider/run.py --tests AGENTS/tests --speech MANIFEST

``AGENTS/tests`` is of a checkout of github.com/livekit/agents: neither its wheel nor its sdist has it. Prints a table,
and writes it with ``--write``.
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming")]
    sys.exit(import_module("cross_provider.command").main())
