"""Logging of the command line: quiet unless asked, always on standard error."""

import logging
import sys


def configure_logging(*, verbose: bool) -> None:
    """Log warnings of ours, or with ``verbose`` everything of ours and warnings of the libraries."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("auricle").setLevel(logging.INFO if verbose else logging.WARNING)
