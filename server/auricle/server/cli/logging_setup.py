"""Logging setup of the command line, on standard error."""

import logging
import sys


def configure_logging(*, verbose: bool) -> None:
    """Log warnings; with ``verbose`` also information of Auricle itself."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("auricle").setLevel(logging.INFO if verbose else logging.WARNING)
