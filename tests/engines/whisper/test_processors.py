"""How many processors there are, in containers of every kind."""

import os

import pytest

from auricle.engines.whisper.processors import processors


@pytest.fixture
def host(monkeypatch, tmp_path):
    """Eight processors; returns a function that writes files below the control groups."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def write(own: str, **files: str):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return processors(tmp_path / "groups", tmp_path / "own")

    return write


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8), ("nonsense", 8), ("", 8)],
)
def test_the_quota_of_a_container_counts(host, quota, expected):
    assert host("0::/\n", **{"cpu.max": quota}) == expected


def test_the_smallest_quota_on_the_way_up_counts(host):
    files = {"a/b/cpu.max": "600000 100000", "a/cpu.max": "300000 100000", "cpu.max": "max 100000"}
    assert host("0::/a/b\n", **files) == 3


def test_the_older_kind_of_control_group(host):
    own = "5:memory:/x\n4:cpu,cpuacct:/x\n"
    assert host(own, **{"cpu/x/cpu.cfs_quota_us": "400000", "cpu/x/cpu.cfs_period_us": "100000"}) == 4
    assert host(own, **{"cpu/x/cpu.cfs_quota_us": "-1"}) == 8


def test_a_system_without_control_groups(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    assert processors(tmp_path / "none", tmp_path / "nothing") == 2
