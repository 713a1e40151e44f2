"""What logging was before a test, put back behind it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logging_restored() -> Iterator[None]:
    """Let the block configure logging."""
    root, mine = logging.getLogger(), logging.getLogger("auricle")
    handlers, root_level, level = root.handlers[:], root.level, mine.level
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(root_level)  # which forgets what loggers remember of it, as an assignment does not
        mine.setLevel(level)
