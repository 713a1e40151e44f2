"""Logging setup of the command line, on standard error."""

import logging
import sys


def configure_logging(level: str) -> None:
    """Log warnings, and of Auricle itself whatever is of this level: ``debug``, ``info``, ``warning`` or ``error``."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("auricle").setLevel(level.upper())
