"""The microphone, with a PortAudio made of Python: its callbacks come from another thread, as the real ones do."""

import importlib
import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import trio

from auricle.core import Start
from auricle.engines.scripted.script import COUNTING
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.listen import Request, listen
from auricle.server.cli.microphone import BUFFER_S, MicrophoneError, open_microphone
from auricle.server.cli.server_choice import ServerChoice
from server.test_server import auricle as running_auricle

BLOCK = 1_600


class PortAudioError(Exception):
    """What sounddevice raises."""


class FakeStream:
    """A stream whose sound is given by the test."""

    def __init__(self, owner: "FakeSoundDevice", **settings: Any) -> None:
        owner.stream = self
        self.settings = settings
        self.callback: Callable[..., None] = settings["callback"]
        self.finished: Callable[[], None] = settings["finished_callback"]
        self.started = self.closed = False
        self.refuses = owner.refuses

    def start(self) -> None:
        if self.refuses == "start":
            raise PortAudioError("Device unavailable")
        self.started = True

    def close(self) -> None:
        self.closed = True
        in_a_thread(self.finished)
        if self.refuses == "close":
            raise PortAudioError("gone")

    def say(self, samples: np.ndarray, *, overflow: bool = False) -> None:
        data = memoryview(bytearray(samples.astype(np.int16).tobytes()))
        in_a_thread(self.callback, data, len(samples), None, SimpleNamespace(input_overflow=overflow))


class FakeSoundDevice:
    """As much of the sounddevice module as we use. ``rates`` and ``channels`` are what the device can do."""

    PortAudioError = PortAudioError

    def __init__(self, *, rates: tuple[int, ...] = (16_000,), channels: tuple[int, ...] = (1,)) -> None:
        self.rates = rates
        self.channels = channels
        self.refuses = ""
        self.stream: FakeStream
        self.devices = [
            {"name": "Speakers", "max_input_channels": 0, "default_samplerate": 48_000.0},
            {"name": "Built-in\x1b Mic", "max_input_channels": max(channels), "default_samplerate": float(rates[0])},
        ]

    def query_devices(self, device: str | int | None = None, kind: str | None = None) -> Any:
        if kind is None:
            if self.refuses == "list":
                raise PortAudioError("broken")
            return self.devices
        found = [
            each
            for index, each in enumerate(self.devices)
            if each["max_input_channels"] and (device in (None, index) or str(device) in each["name"])
        ]
        if len(found) != 1:
            raise PortAudioError("Error querying device -1") if device is None else ValueError("No input device")
        return found[0]

    def check_input_settings(self, *, device: Any, channels: int, dtype: str, samplerate: int) -> None:
        assert dtype == "int16"
        if channels not in self.channels or samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    def RawInputStream(self, **settings: Any) -> FakeStream:
        return FakeStream(self, **settings)


def in_a_thread(work: Callable[..., None], *args: Any) -> None:
    thread = threading.Thread(target=work, args=args)
    thread.start()
    thread.join()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeSoundDevice | Exception], FakeSoundDevice]:
    def put(module: Any) -> Any:
        def import_module(name: str) -> Any:
            assert name == "sounddevice"
            if isinstance(module, Exception):
                raise module
            return module

        monkeypatch.setattr(importlib, "import_module", import_module)
        return module

    return put


Install = Callable[[Any], Any]


def refused(device: str | int | None = None) -> str:
    async def main() -> None:
        async with open_microphone(device):
            pytest.fail("it opened")

    with pytest.raises(MicrophoneError) as caught:
        trio.run(main)
    text = str(caught.value)
    assert text.endswith(".")
    assert ". " not in text
    assert "\n" not in text
    assert "\x1b" not in text
    return text


async def settled() -> None:
    """Let what the threads have told trio arrive."""
    for _ in range(3):
        await trio.lowlevel.checkpoint()


def test_chunks_come_out_as_they_went_in(install: Install) -> None:
    fake = install(FakeSoundDevice())
    sound = np.arange(2 * BLOCK + 100, dtype=np.int16)

    async def main() -> list[bytes]:
        async with open_microphone() as microphone:
            assert microphone.name == "Built-in Mic"
            for at in range(0, len(sound), BLOCK):
                fake.stream.say(sound[at : at + BLOCK])
            await settled()
            assert fake.stream.started
            microphone.stop()
            microphone.stop()
            fake.stream.say(sound)
            heard = [chunk async for chunk in microphone]
            assert (microphone.overruns, microphone.lost_s) == (0, 0.0)
            return heard

    heard = trio.run(main)
    assert [len(chunk) for chunk in heard] == [3_200, 3_200, 200]
    assert np.array_equal(np.frombuffer(b"".join(heard), np.int16), sound)
    assert fake.stream.closed
    settings = {name: value for name, value in fake.stream.settings.items() if not name.endswith("callback")}
    assert settings == {"samplerate": 16_000, "blocksize": 1_600, "channels": 1, "dtype": "int16", "device": None}


def test_a_device_with_its_own_rate_and_channels_is_resampled(install: Install) -> None:
    fake = install(FakeSoundDevice(rates=(44_100,), channels=(2,)))
    tone = 9_000 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)

    async def main() -> bytes:
        async with open_microphone("Built-in") as microphone:
            fake.stream.say(np.stack([tone, tone], axis=1))
            await settled()
            microphone.stop()
            return b"".join([chunk async for chunk in microphone])

    heard = np.frombuffer(trio.run(main), np.int16)
    assert len(heard) == 16_000
    expected = 9_000 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.abs(heard - expected)[500:-500].max() < 100
    assert fake.stream.settings["samplerate"] == 44_100
    assert fake.stream.settings["blocksize"] == 4_410
    assert fake.stream.settings["channels"] == 2


@pytest.mark.parametrize("device", [1, "1", "Mic"])
def test_a_device_is_chosen_by_number_or_name(install: Install, device: str | int) -> None:
    fake = install(FakeSoundDevice())

    async def main() -> None:
        async with open_microphone(device):
            assert fake.stream.settings["device"] == (1 if device == "1" else device)

    trio.run(main)


def test_what_nobody_takes_is_counted(install: Install) -> None:
    fake = install(FakeSoundDevice())

    async def main() -> None:
        async with open_microphone() as microphone:
            for _ in range(BUFFER_S * 10 + 3):
                fake.stream.say(np.zeros(BLOCK))
            fake.stream.say(np.zeros(0), overflow=True)
            await settled()
            assert microphone.overruns == 4
            assert math.isclose(microphone.lost_s, 0.3)
            microphone.stop()
            assert len([chunk async for chunk in microphone]) == BUFFER_S * 10

    trio.run(main)


def test_a_device_that_goes_away_ends_the_iteration_with_a_sentence(install: Install) -> None:
    fake = install(FakeSoundDevice())
    fake.refuses = "close"

    async def main() -> None:
        async with open_microphone() as microphone:
            fake.stream.say(np.zeros(BLOCK + 10))
            in_a_thread(fake.stream.finished)
            await settled()
            heard = []
            with pytest.raises(MicrophoneError, match=r"^The microphone Built-in Mic went away: plug it in again"):
                await collect(microphone, heard)
            assert [len(chunk) for chunk in heard] == [3_200, 20], "what it heard before is not lost"

    trio.run(main)


async def collect(microphone: Any, into: list[bytes]) -> None:
    async for chunk in microphone:
        into.append(chunk)


def test_a_callback_after_the_end_of_everything_is_no_matter(install: Install) -> None:
    fake = install(FakeSoundDevice())

    async def main() -> None:
        async with open_microphone():
            pass

    trio.run(main)
    fake.stream.say(np.zeros(BLOCK))


def test_without_the_extra(install: Install) -> None:
    install(ModuleNotFoundError("No module named 'sounddevice'"))
    assert "pip install -e '.[microphone]'" in refused()


def test_without_portaudio(install: Install) -> None:
    install(OSError("PortAudio library not found"))
    assert "apt install libportaudio2" in refused()


def test_without_a_device(install: Install) -> None:
    fake = install(FakeSoundDevice())
    fake.devices.pop()
    assert "no microphone that PortAudio can see" in refused()
    assert "choose one of none, for this machine has no input device" in refused("Mic")
    fake.refuses = "list"
    assert "choose one of none" in refused("Mic")


def test_a_device_that_is_not_there(install: Install) -> None:
    install(FakeSoundDevice())
    assert refused("Studio\x1b") == "There is no single microphone called Studio: choose one of 1 (Built-in Mic)."
    assert "called 0:" in refused(0)


def test_a_device_that_can_do_nothing_we_know(install: Install) -> None:
    fake = install(FakeSoundDevice())
    fake.rates = ()
    assert "takes none of the usual settings" in refused()


def test_a_device_that_is_busy(install: Install) -> None:
    fake = install(FakeSoundDevice())
    fake.refuses = "start"
    assert "could not be opened: close the program that uses it" in refused()


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGINT, Exit.GOOD), (signal.SIGTERM, Exit.TERMINATED), (signal.SIGHUP, Exit.HUNG_UP)],
)
def test_a_signal_ends_the_talk_and_its_last_words_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals, expected: Exit
) -> None:
    fake = FakeSoundDevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)  # type: ignore[arg-type]

    async def talk() -> None:
        before = signal.getsignal(number)
        while signal.getsignal(number) is before:  # until somebody listens for it
            await trio.lowlevel.checkpoint()
        for _ in range(8):  # 0.8 s: words that no pause has ended
            fake.stream.say(np.full(BLOCK, 8_000))
        await settled()
        os.kill(os.getpid(), number)

    async def main() -> Exit:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk)
                status = await listen(Request(config=Start(), server=ServerChoice(url=url), device=None))
        return status

    with running_auricle(COUNTING) as url:
        assert trio.run(main) is expected
    shown = capsys.readouterr()
    assert shown.out == "one two\n"
    assert "0.80 s in, 0.80 s committed (complete)" in shown.err
