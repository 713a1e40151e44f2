"""Every block of code in the documentation is run, in a folder with what it names and against a server that listens.

What is shown behind a ``$ `` command has to come out of it; ``…`` stands for anything. A comment right above a block,
which no reader sees, says what is different about it: ``not run here: why``, ``until Ctrl-C`` (it runs until it has
printed what is shown, and then Ctrl-C has to end it well), ``refused`` (it ends with 2), or the name of a block that a
test of its page's own runs.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import yaml
from server.test_server import auricle
from trustme import CA

from auricle.server.cli.exit_codes import Exit
from docs.command_server import commands
from docs.pages import NOT_RUN, ROOT, SHELLS, Block, blocks, steps

FAR_S = 120.0
BLOCKS = blocks()
UNTIL = "until Ctrl-C"
REFUSED = "refused"
DATA = {"toml": tomllib.loads, "json": json.loads, "yaml": yaml.safe_load, "xml": ElementTree.fromstring}
PROSE = ("text",)
CHANGES_THE_MACHINE = re.compile(r"\b(pip3?|uv|npm|apt-get|sudo|docker|kubectl|systemctl|rm|kill) |&\s*$", re.MULTILINE)
"""Commands that are never run from a page, wherever they come from: they say ``not run here``."""
NEEDED_PROGRAMS = re.compile(r"\b(node|ffmpeg|curl)\b ")
RUN_BY_A_TEST_OF_ITS_OWN = {
    "README.md": "tests/test_readme.py",
    "docs/extending.md": "tests/transports/test_extending.py",
    "docs/testing.md": "tests/core/test_testing_page.py",
}
"""Pages whose named blocks are run by a test that knows them by their names."""
MOST_NOT_RUN = 48
"""More of them would be documentation that nobody holds to its word."""
NAMED = [
    block for block in BLOCKS if block.marker and not block.marker.startswith((NOT_RUN, "Made by", UNTIL, REFUSED))
]
PLAIN = [block for block in BLOCKS if block.marker in ("", UNTIL, REFUSED)]
PREAMBLES = {"plugin/README.md": "from livekit.plugins import auricle\n"}
"""What stands above the blocks of a page that are parts of a program."""


def those(*languages: str) -> Any:
    return [
        pytest.param(block, id=block.name) for block in PLAIN if block.language in languages and block.marker != UNTIL
    ]


# ---------------------------------------------------------------------------- what there is


def test_every_block_is_of_a_kind_that_is_known() -> None:
    known = {*SHELLS, *DATA, *PROSE, "python"}
    assert not [block.name for block in BLOCKS if block.language not in known]


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in PLAIN if block.language in SHELLS])
def test_nothing_is_run_that_changes_the_machine(block: Block) -> None:
    assert not CHANGES_THE_MACHINE.search(block.text), f"say above it: <!-- {NOT_RUN}why -->"


def test_those_that_are_not_run_are_few_and_say_why() -> None:
    left = [block for block in BLOCKS if block.marker.startswith(NOT_RUN)]
    assert len(left) <= MOST_NOT_RUN
    assert all(len(block.marker) > len(NOT_RUN) + 10 for block in left)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in NAMED])
def test_a_named_block_is_a_file_that_is_tested_or_known_to_a_test(block: Block) -> None:
    if (ROOT / block.marker).is_file():
        assert block.text == (ROOT / block.marker).read_text(encoding="utf-8")
        return
    test = (ROOT / RUN_BY_A_TEST_OF_ITS_OWN[block.page]).read_text(encoding="utf-8")
    assert f'"{block.marker}"' in test


@pytest.mark.parametrize("block", those(*DATA))
def test_data_can_be_read(block: Block) -> None:
    assert DATA[block.language](block.text)


# ---------------------------------------------------------------------------- what is run


class Place:
    """A folder with what the pages name, and a server that listens."""

    def __init__(self, folder: Path, url: str, programs: Path) -> None:
        self.folder = folder
        """For the blocks of one page: what those of another one left behind is not here."""
        self.address = url.removeprefix("ws://").partition("/")[0]
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AURICLE_PORT": "0",
            "NODE_OPTIONS": "--experimental-websocket",  # which Node.js 20 wants, and later ones know
            "TMPDIR": str(folder),
        }

    def here(self, text: str) -> str:
        """The same for the server that listens here."""
        return re.sub(r"(127\.0\.0\.1|localhost|host):8765", self.address, text)

    def run(self, command: str, status: int = 0) -> str:
        assert not CHANGES_THE_MACHINE.search(command)
        for program in NEEDED_PROGRAMS.findall(command):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")
        # A command that asks a server chooses no engine, as somebody who has that variable would be told.
        engine = {} if "--url" in command else {"AURICLE_ENGINE": "scripted"}
        finished = subprocess.run(
            ["bash", "-c", self.here(command)],
            cwd=self.folder,
            env=self.environment | engine,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FAR_S,
            check=False,
        )
        assert finished.returncode == status, f"{command} ended with {finished.returncode}: {finished.stdout}"
        return finished.stdout


def fill(folder: Path) -> None:
    speech, rate = soundfile.read(ROOT / "examples" / "audio" / "hello.flac", dtype="int16")
    second = speech[:rate]
    for name in ("talk.wav", "talk.flac", "meeting.wav", "calls/1.wav", "calls/b/2.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, second, rate, subtype="PCM_16")
    with av.open(str(folder / "talk.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(second[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    (folder / "talk.mkv").write_bytes((folder / "talk.m4a").read_bytes())
    certificate = CA().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "chain.pem", append=True)
    for name in ("examples", "pyproject.toml", "deploy"):
        (folder / name).symlink_to(ROOT / name)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "material"
    folder.mkdir()
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with auricle() as url:
        yield url


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with commands(tmp_path_factory.mktemp("commands")) as folder:
        yield folder


@pytest.fixture
def place(block: Block, material: Path, server: str, programs: Path) -> Place:
    folder = material.parent / block.page.replace("/", "-")
    if not folder.exists():
        shutil.copytree(material, folder, symlinks=True)
    return Place(folder, server, programs)


def agrees(printed: str, shown: str) -> bool:
    """Whether it is what is shown; nothing is shown of commands that print nothing of interest."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return not shown.strip() or re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


@pytest.mark.parametrize("block", those(*SHELLS))
def test_the_commands_print_what_is_shown(block: Block, place: Place) -> None:
    for command, shown in steps(block.text):
        printed = place.run(command, Exit.BAD_INPUT if block.marker == REFUSED else Exit.GOOD).replace(
            place.address, "127.0.0.1:8765"
        )
        assert agrees(printed, shown), f"{command} printed {printed}"


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in PLAIN if block.marker == UNTIL])
def test_the_server_starts_as_shown_and_ends_well(block: Block, place: Place) -> None:
    ((command, shown),) = steps(block.text)
    program = f'exec "{sys.executable}" -c "from auricle.server.cli.entry import main; main()"'
    process = subprocess.Popen(
        ["bash", "-c", command.replace("auricle", program, 1) + " --engine-isolation thread"],
        cwd=place.folder,
        env=place.environment | {"AURICLE_ENGINE": "scripted"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        printed = "".join(process.stdout.readline() for _ in shown.strip().splitlines())
        printed = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8765", printed)
        assert agrees(printed, shown), printed
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=FAR_S)
        assert process.returncode == 0
    finally:
        process.kill()


@pytest.mark.parametrize("block", those("python"))
def test_the_program_runs(block: Block, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)
    source = PREAMBLES.get(block.page, "") + place.here(block.text)
    exec(compile(source, block.name, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("block", [each for each in PLAIN if "callSid" in each.text and each.language == "python"])
def test_what_listens_to_a_call_gets_its_words(block: Block, place: Place) -> None:
    """The function on the page of telephony: a call comes, and is over."""
    names: dict[str, Any] = {}
    exec(block.text, names)

    async def call() -> list[str]:
        aiohttp = names["aiohttp"]
        listening = asyncio.create_task(names["listen"](f"ws://{place.address}", "CA1"))
        async with aiohttp.ClientSession() as http, http.ws_connect(f"ws://{place.address}/v1/twilio") as stream:
            media = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
            begin = {
                "accountSid": "AC0",
                "streamSid": "MZ1",
                "callSid": "CA1",
                "tracks": ["inbound"],
                "mediaFormat": media,
            }
            await stream.send_json({"event": "start", "streamSid": "MZ1", "start": begin})
            for number in range(100):
                payload = {
                    "track": "inbound",
                    "chunk": str(number),
                    "timestamp": str(number * 20),
                    "payload": "/" * 216,
                }
                await stream.send_json({"event": "media", "streamSid": "MZ1", "media": payload})
            await stream.send_json({"event": "stop", "streamSid": "MZ1", "stop": {}})
        return await asyncio.wait_for(listening, FAR_S)

    assert asyncio.run(call())


# ---------------------------------------------------------------------------- the collector itself


def test_a_block_is_found_with_what_stands_above_it() -> None:
    (found,) = (block for block in BLOCKS if block.page == "docs/start.md" and block.language == "python")
    assert found.text.startswith("import asyncio\n")
    assert (ROOT / found.page).read_text(encoding="utf-8").splitlines()[found.line - 1] == "```python"
    assert any(block.marker == UNTIL for block in BLOCKS)
    assert len([block for block in PLAIN if block.language in SHELLS]) >= 8


def test_what_is_shown_has_to_be_printed() -> None:
    assert agrees("a: 1\nb: 2\n", "a: …\nb: 2\n")
    assert agrees("anything", "…")
    assert not agrees("a: 1\nb: 3\n", "a: …\nb: 2\n")
    assert list(steps("$ one\nsays this\n$ two\n")) == [("one", "says this\n"), ("two", "")]
    assert list(steps("# a remark\none\ntwo\n")) == [("one", "…"), ("two", "…")]
