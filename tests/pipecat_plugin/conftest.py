"""These tests need Pipecat; without it they are not collected, and `tests/test_pipecat_here.py` says so."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("pipecat") is not None else ["test_*.py"]
