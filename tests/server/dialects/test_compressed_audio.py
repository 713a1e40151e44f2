"""Audio in containers and as Opus packets, on a dialect's WebSocket: all of it is heard, or a sentence says why not."""

import asyncio
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from av.audio.resampler import AudioResampler

from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.sessions.media_decoder import MOST_PCM, ContainerStream, MediaError, OpusPackets
from server.dialects.dialect_server import DialectServer

websockets = pytest.importorskip("websockets", reason="websockets is not installed")

RATE = 16_000
SECONDS = 2.5
CONTAINERS = {
    "wav": ("pcm_s16le", RATE),
    "ogg": ("libopus", 48_000),
    "webm": ("libopus", 48_000),
    "flac": ("flac", RATE),
    "mp3": ("libmp3lame", RATE),
    "adts": ("aac", RATE),
}


def packets(codec: str, rate: int, container: Any) -> list[bytes]:
    """Encode a tone, and return its packets."""
    stream = container.add_stream(codec, rate=rate)
    stream.layout = "mono"
    tone = (np.sin(np.arange(int(RATE * SECONDS)) / 20) * 8_000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
    frame.sample_rate = RATE
    resampler = AudioResampler(format=stream.codec_context.format or "s16", layout="mono", rate=rate)
    made = []
    for piece in (*resampler.resample(frame), *resampler.resample(None), None):
        for packet in stream.encode(piece):
            made.append(bytes(packet))
            container.mux(packet)
    return made


def encoded(container: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as opened:
        packets(*CONTAINERS[container], opened)
    return file.getvalue()


def opus_packets() -> list[bytes]:
    with av.open(io.BytesIO(), "w", format="ogg") as opened:
        return packets("libopus", 48_000, opened)


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderProcess]:
    with DecoderProcess(most_stored_bytes=0) as process:
        yield process


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("piece", [333, 10_000_000])
def test_all_of_a_container_is_decoded_however_it_is_cut(decoders: DecoderProcess, container: str, piece: int) -> None:
    decoder, data = ContainerStream(decoders), encoded(container)
    pcm = b"".join(decoder.feed(data[at : at + piece]) for at in range(0, len(data), piece)) + decoder.end()
    padding_s = {"mp3": 0.05, "adts": 0.2}.get(container, 0.0)
    assert SECONDS <= len(pcm) / 2 / RATE <= SECONDS + padding_s
    decoder.close()


def silent_flac(seconds: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(seconds * RATE, np.int16), RATE, format="FLAC")
    return file.getvalue()


def test_minutes_that_are_a_few_bytes_come_in_pieces(decoders: DecoderProcess) -> None:
    seconds = 600
    data, pieces = silent_flac(seconds), []
    assert len(data) < 200_000
    decoder = ContainerStream(decoders)
    pieces.append(decoder.feed(data))
    while decoder.has_more:
        pieces.append(decoder.feed(b""))
    pieces.append(decoder.end())
    while decoder.has_more:
        pieces.append(decoder.feed(b""))
    assert max(map(len, pieces)) < MOST_PCM + 2 * 65_536
    assert sum(map(len, pieces)) == seconds * RATE * 2


def test_a_decoder_that_is_full_can_be_left(decoders: DecoderProcess) -> None:
    decoder = ContainerStream(decoders)
    decoder.feed(silent_flac(600))
    assert decoder.has_more
    decoder.close()
    decoder._thread.join(10)
    assert not decoder._thread.is_alive()


def test_what_is_said_after_audio_comes_after_its_pcm(decoders: DecoderProcess) -> None:
    decoder, data = ContainerStream(decoders), encoded("ogg")
    heard = len(decoder.feed(data[: len(data) // 2]))
    assert heard > RATE, "half of the file is half of the audio, at once"
    decoder.close()
    decoder._thread.join(10)
    assert not decoder._thread.is_alive()


@pytest.mark.parametrize("data", [b"\1\2 no container at all " * 1_000, b"RIFF", b""])
def test_what_is_no_container_is_said(decoders: DecoderProcess, data: bytes) -> None:
    decoder = ContainerStream(decoders)
    with pytest.raises(MediaError, match="no container that can be read"):  # noqa: PT012
        decoder.feed(data)
        decoder.end()


@pytest.mark.parametrize(
    "script",
    [
        "ffconcat version 1.0\nfile secret.flac\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nsecret.flac\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    ],
    ids=["a list of files", "a playlist", "a description of a broadcast"],
)
def test_what_names_other_files_is_no_container(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.flac").write_bytes(encoded("flac"))
    monkeypatch.chdir(tmp_path)
    with DecoderProcess(most_stored_bytes=0) as decoders:
        decoder = ContainerStream(decoders)
        with pytest.raises(MediaError, match="no container that can be read"):  # noqa: PT012
            decoder.feed(script.encode())
            decoder.end()


def test_opus_packets_are_decoded_one_by_one() -> None:
    decoder = OpusPackets()
    pcm = b"".join(decoder.feed(packet) for packet in opus_packets()) + decoder.end()
    assert len(pcm) / 2 / RATE == pytest.approx(SECONDS, abs=0.03)
    with pytest.raises(MediaError, match="not an Opus packet"):
        decoder.feed(b"\xff" * 3)


async def listen(server: DialectServer, query: str, frames: list[bytes]) -> tuple[list[dict[str, Any]], int]:
    heard = []
    async with asyncio.timeout(60), websockets.connect(f"{server.ws}/v1/listen?{query}") as socket:
        for frame in frames:
            await socket.send(frame)
        await socket.send('{"type":"CloseStream"}')
        with suppress(websockets.ConnectionClosedError):
            async for message in socket:
                heard.append(json.loads(message))
    return heard, socket.close_code


@pytest.mark.parametrize("query", ["", "encoding=ogg-opus", "encoding=opus&sample_rate=48000"])
def test_compressed_audio_is_transcribed(server: DialectServer, query: str) -> None:
    data = encoded("ogg")
    frames = opus_packets() if "=opus" in query else [data[at : at + 1_000] for at in range(0, len(data), 1_000)]
    heard, code = asyncio.run(listen(server, query, frames))
    assert [item["channel"]["alternatives"][0]["transcript"] for item in heard[:-1]] == ["one two three four five"]
    assert (heard[-1]["type"], code) == ("Metadata", 1000)
    assert heard[-1]["duration"] == pytest.approx(SECONDS, abs=0.03)


def test_all_of_a_recording_that_comes_at_once_is_heard_before_its_end(server: DialectServer) -> None:
    heard, code = asyncio.run(listen(server, "", [silent_flac(100)]))
    words = sum(len(item["channel"]["alternatives"][0]["transcript"].split()) for item in heard[:-1])
    assert (heard[-1]["duration"], words, code) == (100.0, 167, 1000)


def test_audio_that_cannot_be_decoded_is_an_error_in_the_words_of_the_dialect(server: DialectServer) -> None:
    heard, code = asyncio.run(listen(server, "", [b"\1\2\3\4" * 20_000]))
    assert (heard[-1]["type"], code) == ("Error", 1008)
    assert "no container" in heard[-1]["description"]
