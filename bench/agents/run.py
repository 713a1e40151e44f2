"""Agents on real speech: how often the language model is started, and how soon its first token is there.

python bench/agents/run.py --speech MANIFEST          Smart Turn and none, modes default and stt, preflight on and off
python bench/agents/run.py --speech MANIFEST --modes stt --first-token 0.5
"""

import sys
from importlib import import_module
from pathlib import Path

BENCH = Path(__file__).parents[1]

if __name__ == "__main__":
    # As a package, so that no module here hides one of bench/streaming, whose clips are used.
    sys.path[:1] = [str(BENCH), str(BENCH / "streaming")]
    sys.exit(import_module("agents.command").main())
