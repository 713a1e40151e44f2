"""CPU time of this process and its children."""

import os
import subprocess
import sys

import pytest
from cpu import children_cpu_s, descendants, largest_descendant, metered

BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children that live are found in /proc")


def test_a_childs_time_is_counted_while_it_lives_and_once_after_its_end() -> None:
    with metered() as used:
        child = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in descendants()
        assert largest_descendant(1) == child.pid
        assert largest_descendant(1 << 60) is None
        alive_s = children_cpu_s()
        child.communicate(b"\n")
    assert child.pid not in descendants()
    assert used.cpu_s >= 0.25
    assert children_cpu_s() - alive_s < 0.25
    assert used.wall_s > 0
    assert os.getpid() not in descendants()
