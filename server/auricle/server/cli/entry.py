"""The ``auricle`` script: the command where it is installed whole, one sentence where only a client or the core is."""

import sys
from importlib import import_module

from auricle.server.cli.exit_codes import Exit


def main() -> None:
    """Run the command. The package may be installed without what the server and the command line need."""
    try:
        command = import_module("auricle.server.cli.main")
    except ModuleNotFoundError as missing:
        print(f"The auricle command needs {missing.name}: pip install 'auricle[server]'.", file=sys.stderr)
        raise SystemExit(int(Exit.BAD_INPUT)) from None
    command.main()
