"""What a session costs the server, without a model.

python bench/sessions/run.py                       all servers, three rounds
python bench/sessions/run.py --only auricle --rounds 1 --profile server.prof
python bench/sessions/run.py --write               and write docs/bench-sessions.md
"""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    sys.exit(import_module("sessions.command").main())
