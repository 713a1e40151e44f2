"""What the package asks of others: no version with a known way in is good enough."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def wanted(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each extra that asks for a package, and the lowest version that it takes."""
    for extra, requirements in PROJECT["optional-dependencies"].items():
        for requirement in requirements:
            match = re.fullmatch(rf"{name}>=([\d.]+)", requirement)
            if match:
                yield extra, numbers(match[1])


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


FLOORS = {
    "aiohttp": (
        "3.14.3",
        "CVE-2026-22815, CVE-2026-34525 and CVE-2026-69244: what heads and trailers may cost, and say twice",
    ),
    "av": ("17.1", "CVE-2026-40962: in FFmpeg, which its wheels bring"),
    "h11": ("0.16", "CVE-2025-43859: a chunk could end in other bytes than CR LF, and hide a second request"),
    "python-multipart": ("0.0.32", "CVE-2026-24486, CVE-2026-40347, CVE-2026-42561 and CVE-2026-53539: forms"),
    "starlette": (
        "1.3.1",
        "CVE-2025-62727, CVE-2026-48710, CVE-2026-54282 and CVE-2026-54283: ranges, Host, paths, forms",
    ),
    "tqdm": ("4.66.3", "CVE-2024-34062"),
}
"""The lowest version of a package that has none of the holes that are known of it, and concern us."""
OF_WHICH = {"aiohttp": {"asyncio"}, "h11": {"trio", "server"}}


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_known_way_in_is_good_enough(name: str) -> None:
    floor, holes = FLOORS[name]
    asked = dict(wanted(name))
    assert set(asked) == OF_WHICH.get(name, {"server"})
    assert all(lowest >= numbers(floor) for lowest in asked.values()), holes
    assert numbers(version(name)) >= numbers(floor), holes


@pytest.mark.parametrize("name", FLOORS)
def test_the_page_about_security_says_so(name: str) -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {re.escape(name)} \| (\S+) \| (.*) \|$", page, re.MULTILINE)
    assert row[0] == FLOORS[name][0]
    assert set(re.findall(r"CVE-\d+-\d+", row[1])) == set(re.findall(r"CVE-\d+-\d+", FLOORS[name][1]))


@pytest.mark.skipif(
    "AURICLE_INSTALL" not in os.environ, reason="it makes a fresh environment, which takes long: AURICLE_INSTALL=1"
)
def test_the_main_path_works_at_the_lower_bounds(tmp_path: Path) -> None:
    """A recording with a real model, a server, both clients, and an upload as a form."""

    def run(*command: str) -> str:
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    uv, python = f"{Path(sys.executable).parent}/uv", f"{tmp_path}/bin/python"
    run(uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path))
    asked = ("--resolution", "lowest-direct", "--only-binary", ":all:", "--editable", ".[asyncio,server]")
    run(uv, "pip", "install", "--quiet", "--python", python, *asked)
    for name, (floor, _) in FLOORS.items():
        installed = run(python, "-c", f"from importlib.metadata import version; print(version({name!r}))")
        assert numbers(installed.strip())[: len(numbers(floor))] == numbers(floor)
    auricle = f"{tmp_path}/bin/auricle"
    heard = run(auricle, "transcribe", "--model", "pebble-en", "tests/engines/speech/21-awb.ogg")
    assert heard == "we need forty degrees and the fifth coffee\n"
    serve = (auricle, "serve", "--port", "0", "--engine", "scripted", "--engine-isolation", "thread")
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = next(word for word in server.stdout.readline().split() if word.startswith("ws://"))
            for loop in ("trio", "asyncio"):
                said = run(python, f"examples/transcribe_{loop}.py", "examples/audio/hello.flac", url)
                assert said.endswith("Every sample is accounted for.\n")
            form = ("-s", "-F", "file=@examples/audio/hello.flac", "-F", "model=any")
            address = url.replace("ws://", "http://").replace("/ws/transcribe", "/v1/audio/transcriptions")
            assert "one two three" in run("curl", *form, address)
        finally:
            server.terminate()
