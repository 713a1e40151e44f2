"""The ``auricle`` script: runs the command line, or names the extra to install where its dependencies are missing."""

import sys
from importlib import import_module

from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.extras import how_to_install


def main() -> None:
    """Run the command line. The package may be installed without the ``server`` extra, which it needs."""
    try:
        import_module("auricle.server.cli.main").main()
    except ModuleNotFoundError as missing:
        print(f"The auricle command needs {missing.name}: {how_to_install('server')}.", file=sys.stderr)
        raise SystemExit(int(Exit.BAD_INPUT)) from None
    except KeyboardInterrupt:
        raise SystemExit(int(Exit.INTERRUPTED)) from None
