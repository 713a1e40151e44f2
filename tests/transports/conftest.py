"""The same order of trio's tasks at every run: trio shuffles on purpose, and which order is tried is ours to say."""

import pytest
from trio._core import _run as trio_run


def shuffle(seed: int) -> None:
    """Let trio order its tasks by this seed. There is no public way; pytest-trio does it like this, too."""
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True
    trio_run._r.seed(seed)


@pytest.fixture(autouse=True)
def _always_the_same_order() -> None:
    shuffle(0)
