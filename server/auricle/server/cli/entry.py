"""The ``auricle`` script: runs the command line, or names the extra to install where its dependencies are missing."""

import errno
import sys
from importlib import import_module
from typing import Final

from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.extras import how_to_install

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of standard output that is a file on a full disk."""


def main() -> None:
    """Run the command line. The package may be installed without the ``server`` extra, which it needs."""
    try:
        _run()
    except ModuleNotFoundError as missing:
        print(f"The auricle command needs {missing.name}: {how_to_install('server')}.", file=sys.stderr)
        raise SystemExit(int(Exit.BAD_INPUT)) from None
    except KeyboardInterrupt:
        raise SystemExit(int(Exit.INTERRUPTED)) from None
    except BrokenPipeError:
        sys.stdout = None  # nothing can be written to it, not even at exit
        raise SystemExit(int(Exit.INCOMPLETE)) from None
    except OSError as error:
        if error.errno not in NO_ROOM or error.filename is not None:
            raise
        sys.stdout = None
        print(f"Cannot write to standard output: {(error.strerror or 'it is full').lower()}.", file=sys.stderr)
        raise SystemExit(int(Exit.BAD_INPUT)) from None


def _run() -> None:
    try:
        import_module("auricle.server.cli.main").main()
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()  # what cannot be written is known now
