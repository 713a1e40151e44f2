"""The microphone as a stream of 16 kHz mono chunks, like those of a recording.

``sounddevice`` is an extra, and importing it fails where the PortAudio library is not installed; so it is imported
when a microphone is opened, and every failure is a `MicrophoneError` of one sentence.
"""

import importlib
import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import numpy as np
import trio

from auricle.server.cli.extras import how_to_install
from auricle.server.printable import printable
from auricle.server.recordings.pcm import CHUNK_MS, FULL_SCALE, SAMPLE_BYTES, SAMPLE_RATE, PcmStream

BUFFER_S: Final = 5
"""Seconds of audio that are buffered while the server applies backpressure; more is dropped."""


class MicrophoneError(Exception):
    """The microphone cannot be used. The message is one sentence that names the problem and the remedy."""


class Microphone:
    """A running microphone: iterate over it for mono 16 kHz ``pcm_s16le``, 100 ms a chunk.

    One task iterates. The iteration ends after `stop`, with a shorter last chunk, and raises `MicrophoneError` when the
    device goes away.
    """

    def __init__(self, name: str, *, rate: int, channels: int) -> None:
        self.name = name
        """Name of the device, as the system gives it."""
        self.lost_s = 0.0
        """Seconds of audio that were dropped because the buffer was full."""
        self.overruns = 0
        """Number of times that audio was lost, in the buffer here or in the system."""
        self._channels = channels
        self._pcm = PcmStream(rate)
        self._failure: MicrophoneError | None = None
        self._push, self._pull = trio.open_memory_channel[bytes](BUFFER_S * 1000 // CHUNK_MS)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._pull.receive()
        except trio.EndOfChannel:
            if self._failure is not None:
                raise self._failure from None
            raise StopAsyncIteration from None

    def stop(self) -> None:
        """End the input; buffered chunks can still be iterated over. Idempotent."""
        if not self._stopped:
            self._offer_all(self._pcm.finish())
            self._push.close()

    def fail(self, error: MicrophoneError) -> None:
        """End the input with an error, unless it has been stopped already."""
        if not self._stopped:
            self._failure = error
            self.stop()

    def feed(self, data: bytes, overflowed: int) -> None:
        """Take interleaved int16 samples from the device; ``overflowed`` is 1 where the system lost some before."""
        if self._stopped:
            return
        self.overruns += overflowed
        samples = np.frombuffer(data, np.int16).reshape(-1, self._channels)
        self._offer_all(self._pcm.feed(samples.astype(np.float32) / np.float32(FULL_SCALE)))

    @property
    def _stopped(self) -> bool:
        return self._push.statistics().open_send_channels == 0

    def _offer_all(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            try:
                self._push.send_nowait(chunk)
            except (trio.WouldBlock, trio.BrokenResourceError):
                self.overruns += 1
                self.lost_s += len(chunk) / (SAMPLE_RATE * SAMPLE_BYTES)


@asynccontextmanager
async def open_microphone(device: str | int | None = None) -> AsyncIterator[Microphone]:
    """Open and run ``device``: its number, a part of its name, or None for the system's default.

    Raises `MicrophoneError` when there is no such device, no PortAudio, or the extra ``microphone`` is not installed.
    """
    sounddevice = _sounddevice()
    chosen = int(device) if isinstance(device, str) and device.isdecimal() else device
    info = _query(sounddevice, chosen)
    rate, channels = _settings(sounddevice, chosen, info)
    microphone = Microphone(printable(str(info["name"])), rate=rate, channels=channels)
    stream = _stream(sounddevice, chosen, microphone, rate=rate, channels=channels)
    try:
        yield microphone
    finally:
        microphone.stop()
        with suppress(sounddevice.PortAudioError):  # the device may be gone already
            stream.close()


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise MicrophoneError(
            f"The microphone needs an extra that is not installed: {how_to_install('microphone')}."
        ) from error
    except OSError as error:
        raise MicrophoneError(
            "The microphone needs the PortAudio library: install it with `apt install libportaudio2` (Debian, Ubuntu), "
            "`dnf install portaudio` (Fedora) or `brew install portaudio` (macOS)."
        ) from error


def _query(sounddevice: Any, device: str | int | None) -> dict[str, Any]:
    """Return PortAudio's description of an input device."""
    try:
        info: dict[str, Any] = sounddevice.query_devices(device, "input")
    except (sounddevice.PortAudioError, ValueError) as error:
        if device is None:
            raise MicrophoneError(
                "This machine has no microphone that PortAudio can see: plug one in, or transcribe a file instead."
            ) from error
        raise MicrophoneError(
            f"There is no single microphone called {printable(str(device))}: choose one of {_inputs(sounddevice)}."
        ) from error
    return info


def microphone_names() -> list[str]:
    """Return the input devices by number and name. Raises `MicrophoneError` where they cannot be asked for."""
    return _names(_sounddevice())


def _inputs(sounddevice: Any) -> str:
    """Return the input devices by number and name, for an error sentence."""
    return ", ".join(_names(sounddevice)) or "none, for this machine has no input device"


def _names(sounddevice: Any) -> list[str]:
    try:
        devices = sounddevice.query_devices()
    except sounddevice.PortAudioError:
        devices = ()
    return [
        f"{index} ({printable(str(each['name']))})"
        for index, each in enumerate(devices)
        if each["max_input_channels"] > 0
    ]


def _settings(sounddevice: Any, device: str | int | None, info: dict[str, Any]) -> tuple[int, int]:
    """Return the sample rate (Hz) and channels to open with: 16 kHz mono where the device supports it, else its own."""
    own_rate = math.floor(info["default_samplerate"])
    for rate in (SAMPLE_RATE, own_rate):
        for channels in (1, int(info["max_input_channels"])):
            with suppress(sounddevice.PortAudioError, ValueError):
                sounddevice.check_input_settings(device=device, channels=channels, dtype="int16", samplerate=rate)
                return rate, channels
    raise MicrophoneError(
        f"The microphone {printable(str(info['name']))} takes none of the usual settings: close the program that uses "
        "it, or choose another one."
    )


def _stream(sounddevice: Any, device: str | int | None, microphone: Microphone, *, rate: int, channels: int) -> Any:
    """Open and start the device. PortAudio calls back in a thread of its own, which only schedules work on trio."""
    token = trio.lowlevel.current_trio_token()

    def schedule(action: Callable[..., object], *args: object) -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(action, *args)

    def on_samples(data: Any, frames: int, moment: Any, status: Any) -> None:
        schedule(microphone.feed, bytes(data), int(bool(status.input_overflow)))

    def on_finished() -> None:
        schedule(
            microphone.fail,
            MicrophoneError(f"The microphone {microphone.name} went away: plug it in again and start anew."),
        )

    try:
        stream = sounddevice.RawInputStream(
            samplerate=rate,
            blocksize=rate * CHUNK_MS // 1000,
            device=device,
            channels=channels,
            dtype="int16",
            callback=on_samples,
            finished_callback=on_finished,
        )
        stream.start()
    except sounddevice.PortAudioError as error:
        raise MicrophoneError(
            f"The microphone {microphone.name} could not be opened: close the program that uses it, or choose another."
        ) from error
    return stream
