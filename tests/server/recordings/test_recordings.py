"""Every recording comes out as mono 16 kHz, whole or with one sentence that says what is missing."""

import io
import math
import runpy
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from auricle.server.recordings.av_source import AvSource
from auricle.server.recordings.container_sizes import MOST_BOXES, missing_bytes, promised_bytes
from auricle.server.recordings.pcm import MOST_BLOCK_SAMPLES, PcmStream
from auricle.server.recordings.recording import Recording, RecordingError
from auricle.server.recordings.wav import WavSource
from server.recordings.recording_helpers import (
    EXAMPLES,
    RATE,
    Pipe,
    drained,
    one_sentence,
    read_until_error,
    refused,
    samples_of,
    saved,
    tone,
    written,
)

# -------------------------------------------------------------------------------------------- what comes out


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"),
        ("WAV", "ALAW"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_16"), ("RF64", "PCM_16"),
        ("W64", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None), ("AIFF", "PCM_16"),
        ("AU", "PCM_16"), ("CAF", "PCM_16"),
    ],
)  # fmt: skip
def test_every_container_sounds_the_same(tmp_path: Path, form: str, subtype: str | None) -> None:
    path = saved(tmp_path, written(tone(1.0), RATE, form, subtype), f"it.{form.lower()}")
    heard = samples_of(path)
    assert abs(len(heard) - RATE) <= 505, "one block of ADPCM at the most"
    middle = heard[4_000:12_000].astype(float) / 32_768
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / math.sqrt(2), rel=0.05)


@pytest.mark.parametrize("rate", [2_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6, 100])
def test_every_rate_and_channel_count_becomes_mono_16_khz(tmp_path: Path, rate: int, channels: int) -> None:
    path = saved(tmp_path, written(tone(0.73, rate, channels), rate))
    with Recording.open(path) as recording:
        assert recording.name == str(path)
        assert recording.duration_s == pytest.approx(0.73, abs=1 / rate)
        chunks = list(recording.chunks())
    assert [len(chunk) for chunk in chunks[:-1]] == [3_200] * 7
    assert sum(map(len, chunks)) // 2 == pytest.approx(0.73 * RATE, abs=RATE / rate + 1)
    heard = np.frombuffer(b"".join(chunks), "<i2").astype(float) / 32_768
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / RATE)
    assert np.abs(heard - expected)[800:-800].max() < 0.01


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_an_mp3_read_in_blocks_is_the_mp3_read_at_once(mode: str, rate: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(3.0, rate, 2), rate, format="MP3", bitrate_mode=mode)
    whole, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32", always_2d=True)
    blocks = np.concatenate(list(AvSource(file).blocks()))
    assert blocks.shape == whole.shape
    assert np.abs(blocks - whole).max() < 1e-4, "another decoder, and no click"


def test_at_16_khz_mono_every_bit_is_kept(tmp_path: Path) -> None:
    original = np.arange(-32_768, 32_768, dtype=np.int16)
    assert np.array_equal(samples_of(saved(tmp_path, written(original))), original)
    assert np.array_equal(samples_of(saved(tmp_path, written(original, form="FLAC"))), original)


def test_channels_are_averaged(tmp_path: Path) -> None:
    stereo = np.tile(np.array([[8_000, -2_000]], np.int16), (500, 1))
    assert set(samples_of(saved(tmp_path, written(stereo)))) == {3_000}


def test_one_channel_alone(tmp_path: Path) -> None:
    stereo = saved(tmp_path, written(np.tile(np.array([[8_000, -2_000]], np.int16), (500, 1))))
    for channel, value in ((1, 8_000), (2, -2_000)):
        with Recording.open(stereo, channel=channel) as recording:
            assert set(np.frombuffer(b"".join(recording.chunks()), "<i2")) == {value}
    with pytest.raises(RecordingError, match="it has 2 channels and no channel 3; give --channel 1 to 2"):
        Recording.open(stereo, channel=3)


def cancels(tmp_path: Path, samples: np.ndarray, channel: int | None = None) -> bool:
    with Recording.open(saved(tmp_path, written(samples)), channel=channel) as recording:
        list(recording.chunks())
        return recording.channels_cancel


def test_channels_that_cancel_each_other_are_noticed(tmp_path: Path) -> None:
    mono, noise = tone(2.0), np.random.default_rng(1).normal(0, 0.1, (2 * RATE, 2)).astype(np.float32)
    assert cancels(tmp_path, np.hstack([mono, -mono]))
    assert cancels(tmp_path, np.hstack([mono, -0.9 * mono]))
    assert not cancels(tmp_path, np.hstack([mono, -mono]), channel=1)
    assert not cancels(tmp_path, np.hstack([mono, mono * 0.0]))
    assert not cancels(tmp_path, noise)
    assert not cancels(tmp_path, mono)
    assert not cancels(tmp_path, np.zeros((RATE, 2), np.float32))


def test_of_channels_that_cancel_each_other_the_first_is_heard(tmp_path: Path) -> None:
    voice = tone(2.0)
    expected = samples_of(saved(tmp_path, written(voice)))
    assert np.array_equal(samples_of(saved(tmp_path, written(np.hstack([voice, -voice])))), expected)


def test_too_loud_is_clipped_and_not_a_number_is_silence(tmp_path: Path) -> None:
    odd = np.array([3.0, -3.0, np.nan, np.inf, -np.inf, 1e38, 0.5], np.float32)
    heard = samples_of(saved(tmp_path, written(odd, subtype="FLOAT")))
    assert heard.tolist() == [32_767, -32_768, 0, 0, 0, 32_767, 16_384]


def test_one_bad_sample_does_not_spread_through_the_resampler(tmp_path: Path) -> None:
    samples = tone(1.0, 48_000)
    samples[24_000] = np.nan
    heard = samples_of(saved(tmp_path, written(samples, 48_000, subtype="FLOAT")))
    assert np.abs(heard[10_000:].astype(float)).max() > 10_000


@given(
    rate=st.sampled_from([8_000, 16_000, 44_100, 48_000]),
    cuts=st.lists(st.integers(0, 4_000), min_size=1, max_size=12),
)
def test_blocks_of_any_length_give_the_same_stream(rate: int, cuts: list[int]) -> None:
    samples = tone(sum(cuts) / rate, rate)
    whole, pieces = PcmStream(rate), PcmStream(rate)
    expected = b"".join([*whole.feed(samples), *whole.finish()])
    heard, at = bytearray(), 0
    for cut in cuts:
        heard += b"".join(pieces.feed(samples[at : at + cut]))
        at += cut
    heard += b"".join([*pieces.feed(samples[at:]), *pieces.finish()])
    assert len(heard) == len(expected)
    difference = np.frombuffer(heard, "<i2").astype(int) - np.frombuffer(expected, "<i2")
    assert np.abs(difference).max(initial=0) <= 1


def test_a_long_recording_is_read_as_it_is_sent(tmp_path: Path) -> None:
    path = saved(tmp_path, written(np.zeros(RATE * 60, np.int16)))
    with path.open("rb") as file, Recording.open("-", stdin=file) as recording:
        next(recording.chunks())
        assert file.tell() < 100_000


def test_chunks_can_have_another_length(tmp_path: Path) -> None:
    with Recording.open(saved(tmp_path, written(tone(0.05)))) as recording:
        assert [len(chunk) for chunk in recording.chunks(chunk_ms=20)] == [640, 640, 320]


@pytest.mark.parametrize(("name", "seconds"), [("hello.flac", 5.1), ("meeting.mp3", 8.4)])
def test_the_examples_can_be_read(name: str, seconds: float) -> None:
    assert (EXAMPLES / name).stat().st_size <= 150_000
    heard = samples_of(EXAMPLES / name)
    assert len(heard) / RATE == pytest.approx(seconds, abs=0.1)
    assert np.abs(heard.astype(int)).max() > 5_000


def test_the_examples_cannot_be_made_without_flite(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = runpy.run_path(str(EXAMPLES / "make_samples.py"))
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert script["main"]() == 1
    assert "apt install flite" in capsys.readouterr().err


# -------------------------------------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize("address", ["https://example.org/talk.mp3", "HTTP://x/y", "s3://bucket/key", "file:///a.wav"])
def test_an_address_is_not_fetched(address: str) -> None:
    assert "it is an address, and nothing is fetched from the network; download it first" in refused(address)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "there is no such file; check the path" in refused(tmp_path / "gone.wav")


def test_a_directory(tmp_path: Path) -> None:
    assert "it is a directory" in refused(tmp_path)


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    assert "you may not read it" in refused(tmp_path / "secret.wav")


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("builtins.open", broken)
    assert "the system says input/output error" in refused(tmp_path / "it.wav")


def test_an_impossible_path() -> None:
    with pytest.raises(RecordingError) as caught:
        Recording.open("a\0b.wav")
    one_sentence(caught.value, "ab.wav")


def test_a_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(RecordingError) as caught:
        Recording.open(tmp_path / "\x1b[2Jx\n.wav")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file(tmp_path: Path) -> None:
    assert "it is empty" in refused(saved(tmp_path, b""))


@pytest.mark.parametrize("form", ["WAV", "AIFF", "OGG", "AU"])
def test_a_file_with_no_frames(tmp_path: Path, form: str) -> None:
    assert "no audio" in refused(saved(tmp_path, written(tone(0.0), form=form)))


@pytest.mark.parametrize("name", ["notes.txt", "notes.wav", "notes.raw", "notes.mp3"])
def test_a_text_file(tmp_path: Path, name: str) -> None:
    assert "it is not audio" in refused(saved(tmp_path, b"These are notes. " * 100, name))


@pytest.mark.parametrize("rate", [0, 1, 1_000_000, 0xFFFF_FFFF])
def test_an_absurd_rate(tmp_path: Path, rate: int) -> None:
    wav = bytearray(written(tone(0.1)))
    wav[24:28] = struct.pack("<I", rate)
    assert f"{rate} samples a second" in refused(saved(tmp_path, bytes(wav)))


def test_an_absurd_rate_in_a_file_for_the_library(tmp_path: Path) -> None:
    au = bytearray(written(tone(0.1), form="AU"))
    au[16:20] = struct.pack(">I", 7)
    assert "7 samples a second" in refused(saved(tmp_path, bytes(au)))


@pytest.mark.parametrize("channels", [0, 1_025, 60_000])
def test_an_absurd_channel_count(tmp_path: Path, channels: int) -> None:
    wav = bytearray(written(tone(0.1)))
    wav[22:24] = struct.pack("<H", channels)
    assert f"{channels} channels" in refused(saved(tmp_path, bytes(wav)))


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "IMA_ADPCM"), ("WAVEX", "FLOAT"), ("RF64", "PCM_16"),
        ("FLAC", "PCM_16"), ("AIFF", "PCM_16"), ("AU", "PCM_16"), ("MP3", None),
    ],
)  # fmt: skip
def test_a_truncated_file_gives_its_audio_and_then_an_error(tmp_path: Path, form: str, subtype: str | None) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, RATE * 4).astype(np.float32)
    data = written(noise, form=form, subtype=subtype)
    heard, why = read_until_error(saved(tmp_path, data[: len(data) // 2]))
    assert RATE * 1.7 < heard < RATE * 2.3
    assert "cut short" in why


def test_the_last_samples_before_the_damage_are_not_lost(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-9_000, 9_000, RATE * 4, dtype=np.int16)
    flac = written(noise, form="FLAC")
    with Recording.open(saved(tmp_path, flac[: len(flac) // 2])) as recording:
        heard, _ = drained(recording)
    assert len(heard) % 4_096 == 0, "whole FLAC frames"
    assert np.array_equal(heard, noise[: len(heard)])


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, RATE * 4).astype(np.float32)
    for form in ("FLAC", "OGG"):
        data = bytearray(written(noise, form=form))
        data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
        heard, why = read_until_error(saved(tmp_path, bytes(data)))
        assert heard > RATE
        assert "it again" in why


@pytest.mark.parametrize("damage", [lambda data: data[:20], lambda data: data[:40], lambda data: data[:12]])
@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF"])
def test_a_header_that_is_cut(tmp_path: Path, form: str, damage: Callable[[bytes], bytes]) -> None:
    why = refused(saved(tmp_path, damage(written(tone(0.5), form=form))))
    assert "damaged" in why or "no audio" in why


@given(st.binary(max_size=600), st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0"]))
def test_any_bytes_are_read_or_refused(data: bytes, head: bytes) -> None:
    for stdin in (io.BytesIO(head + data), Pipe(head + data)):
        try:
            with Recording.open("-", stdin=stdin) as recording:  # type: ignore[arg-type]
                for chunk in recording.chunks():
                    assert chunk
        except RecordingError as error:
            one_sentence(error, "standard input")


def test_what_containers_promise() -> None:
    assert promised_bytes(b"FORM\0\0\0\x10AIFF") == 24
    assert promised_bytes(b"RIFF\x10\0\0\0WAVE") == 24
    assert promised_bytes(b"RIFF\xff\xff\xff\xffWAVE") == 0
    assert promised_bytes(b".snd\0\0\0\x18\0\0\0\x10") == 40
    assert promised_bytes(b".snd\0\0\0\x18\xff\xff\xff\xff") == 0
    assert promised_bytes(b"fLaC") == 0
    endless = b"caff\0\1\0\0data" + b"\xff" * 8
    assert promised_bytes(endless + bytes(9)) == 0
    assert promised_bytes(b"caff\0\1\0\0free\0\0\0\0\0\0\0\2..data\0\0\0\0\0\0\0\x10") == 50
    assert promised_bytes(b"caff\0\1\0\0free") == 0


def test_an_mp4_of_very_many_boxes_is_not_counted_to_its_end() -> None:
    class Counted(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            return super().read(size)

    file = Counted(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 10 * MOST_BOXES)
    assert missing_bytes(file) == 0
    assert file.reads <= MOST_BOXES + 1


def test_a_recording_of_very_many_channels_is_read_in_small_blocks() -> None:
    frames, channels, rate = 1_500, 1_024, 768_000
    coding = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    data = bytes(2 * frames * channels)
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + coding + b"data" + struct.pack("<I", len(data))
    blocks = [block.shape for block in WavSource(io.BytesIO(head + data)).blocks()]
    assert sum(count for count, _ in blocks) == frames
    assert max(count * width for count, width in blocks) <= MOST_BLOCK_SAMPLES
