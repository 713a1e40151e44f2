"""Cancelled at every checkpoint, a driver leaves no task, no wire, no false complete, and the terminal event."""

import pytest

from auricle.transports.testing.cancellation_sweep import STORIES, Story, sweep
from auricle.transports.testing.driver import IMPATIENCE
from transports.drivers import DRIVERS


@pytest.mark.parametrize("again_after", IMPATIENCE)
@pytest.mark.parametrize("driver", ["trio", "asyncio"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_cancelled_anywhere(driver: str, story: Story, again_after: int) -> None:
    assert sweep(*DRIVERS[driver], story, again_after=again_after) > 20
