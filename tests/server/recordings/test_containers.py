"""What phones, cameras, browsers and meetings record: each container from a file, from a pipe, and cut short."""

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from private_folders import private

from auricle.server.recordings import ogg_pages
from auricle.server.recordings.av_source import AvSource
from auricle.server.recordings.forward_file import ForwardFile
from auricle.server.recordings.mp3_index import NO_INDEX, mp3_index
from auricle.server.recordings.ogg_pages import may_be_chained
from auricle.server.recordings.recording import Recording
from server.recordings.recording_helpers import Pipe, read_until_error, refused, samples_of, saved, tone

SECONDS = 4.0
KINDS = [
    # Name of the file, FFmpeg's container, codec, sample rate in Hz.
    ("it.m4a", "ipod", "aac", 44_100),
    ("it.mp4", "mp4", "aac", 48_000),
    ("it.mov", "mov", "aac", 48_000),
    ("it.3gp", "3gp", "aac", 16_000),
    ("alac.m4a", "ipod", "alac", 44_100),
    ("it.mkv", "matroska", "aac", 48_000),
    ("it.webm", "webm", "libopus", 48_000),
    ("it.aac", "adts", "aac", 44_100),
    ("it.wma", "asf", "wmav2", 44_100),
    ("it.amr", "amr", "libopencore_amrnb", 8_000),
    ("it.opus", "ogg", "libopus", 48_000),
    ("it.ts", "mpegts", "aac", 48_000),
    ("it.flac", "flac", "flac", 44_100),
    ("it.mp3", "mp3", "libmp3lame", 44_100),
    ("it.aiff", "aiff", "pcm_s16be", 44_100),
    ("it.au", "au", "pcm_s16be", 44_100),
    ("it.caf", "caf", "pcm_s16be", 44_100),
    ("it.w64", "w64", "pcm_s16le", 44_100),
]
ENDLESS = {"it.ts"}
"""A broadcast has no end that could be missing."""
OTHER_DECODER = {"it.opus"}
"""From a file they are read by libsndfile, from a pipe by FFmpeg."""
kinds = pytest.mark.parametrize(("name", "container", "codec", "rate"), KINDS, ids=[kind[0] for kind in KINDS])


def encoded(
    container: str, codec: str, rate: int, *, seconds: float = SECONDS, begins_s: float = 0.0,
    picture: bool = False, options: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    """Return a tone in that container; ``begins_s`` after the picture, where there is one."""
    with (
        tempfile.NamedTemporaryFile() as file,  # a name, because FFmpeg opens it again to move the index
        av.open(file.name, "w", format=container, options=options or {}) as out,
    ):
        video = out.add_stream("mpeg4", rate=10) if picture else None
        audio = out.add_stream(codec, rate=rate, layout="mono")
        audio.bit_rate = 12_200 if "amr" in codec else 64_000
        if video is not None:
            video.width = video.height = 32
            for number in range(round((seconds + begins_s) * 10)):
                image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
                image.pts = number
                out.mux(video.encode(image))
            out.mux(video.encode(None))
        samples = (tone(seconds, rate).T * 32_767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="s16", layout="mono")
        frame.rate, frame.pts = rate, round(begins_s * rate)
        for part in (frame, None):
            out.mux(audio.encode(part))
        out.close()
        return Path(file.name).read_bytes()


def loud_s(samples: np.ndarray) -> tuple[float, float]:
    """Return when the tone begins and ends, in seconds."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 3_000)
    return loud[0] / 16_000, loud[-1] / 16_000


@kinds
def test_a_file_and_a_pipe_give_the_whole_recording(
    tmp_path: Path, name: str, container: str, codec: str, rate: int
) -> None:
    data = encoded(container, codec, rate)
    path = saved(tmp_path, data, name)
    heard = samples_of(path)
    assert len(heard) / 16_000 == pytest.approx(SECONDS, abs=0.15)
    assert loud_s(heard) == pytest.approx((0, SECONDS), abs=0.15)
    piped = samples_of("-", Pipe(data))
    assert piped.shape == heard.shape
    assert np.abs(piped.astype(int) - heard).max() <= (1 if name in OTHER_DECODER else 0), (
        "an upload has the same words"
    )
    with Recording.open(path) as recording:
        assert recording.duration_s is None or recording.duration_s == pytest.approx(SECONDS, rel=0.15)


@pytest.mark.parametrize(("name", "container", "codec", "rate"), [kind for kind in KINDS if kind[0] not in ENDLESS])
def test_a_file_that_is_cut_gives_what_is_there_and_says_so(
    tmp_path: Path, name: str, container: str, codec: str, rate: int
) -> None:
    options = {"movflags": "faststart"} if container in ("ipod", "mp4", "mov", "3gp") else None
    data = encoded(container, codec, rate, options=options)
    path = saved(tmp_path, data[: len(data) // 2 + 13], name)
    for heard, why in (read_until_error(path), read_until_error("-", Pipe(path.read_bytes()))):
        assert 0.3 * SECONDS < heard / 16_000 < 0.75 * SECONDS
        assert "cut short" in why


def without_tag(mp3: bytes) -> bytes:
    return mp3[10 + int.from_bytes(mp3[6:10], "big") :]


@pytest.mark.parametrize(
    ("name", "joined"),
    [
        ("it.mp3", lambda one: one + one),
        ("bare.mp3", lambda one: one + without_tag(one)),
        ("it.opus", lambda one: one + one),
        ("it.aac", lambda one: one + one),
        ("it.amr", lambda one: one + one[len(b"#!AMR\n") :]),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_recordings_that_were_joined_are_heard_to_their_end(
    tmp_path: Path, name: str, joined: Callable[[bytes], bytes]
) -> None:
    """As with ``cat``, and as podcasts and recorded radio are; the index may tell of the first one alone."""
    ending = name[name.index(".") :]
    container, codec, rate = next(kind[1:] for kind in KINDS if kind[0] == f"it{ending}")
    data = joined(encoded(container, codec, rate))
    for heard in (samples_of(saved(tmp_path, data, name)), samples_of("-", Pipe(data))):
        assert loud_s(heard) == pytest.approx((0, 2 * SECONDS), abs=0.2)


def test_an_ogg_stream_of_too_many_pages_is_not_followed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("ogg", "libopus", 48_000)
    assert not may_be_chained(io.BytesIO(data))
    assert may_be_chained(io.BytesIO(data + data))
    monkeypatch.setattr(ogg_pages, "MOST_PAGES", 2)
    file = io.BytesIO(data)
    assert may_be_chained(file), "FFmpeg hears whatever there is"
    assert file.tell() == 0


@pytest.mark.parametrize("samples", [2_000, 44_099, 100_000])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_an_mp3_on_a_pipe_is_as_long_as_it_was(samples: int, rate: int) -> None:
    """Its frames are longer: what the encoder added is left out."""
    data = encoded("mp3", "libmp3lame", rate, seconds=samples / rate)
    assert mp3_index(data).samples == samples
    assert sum(map(len, AvSource(ForwardFile(io.BufferedReader(Pipe(data)))).blocks())) == samples


def test_an_mp3_without_an_index_is_heard_as_it_is(tmp_path: Path) -> None:
    data = without_tag(encoded("mp3", "libmp3lame", 44_100, options={"write_xing": "0"}))
    assert mp3_index(data) == NO_INDEX
    heard = samples_of(saved(tmp_path, data))
    assert loud_s(heard) == pytest.approx((0, SECONDS), abs=0.15)
    assert np.array_equal(samples_of("-", Pipe(data)), heard)


def test_a_cover_picture_in_front_of_an_mp3_hides_no_cut() -> None:
    data = encoded("mp3", "libmp3lame", 44_100)
    assert data[:3] == b"ID3"
    picture = 200_000
    size = bytes((picture >> shift) & 0x7F for shift in (21, 14, 7, 0))
    tagged = b"ID3\x04\0\0" + size + bytes(picture) + without_tag(data)
    assert len(samples_of("-", Pipe(tagged))) / 16_000 == pytest.approx(SECONDS, abs=0.15)
    _, why = read_until_error("-", Pipe(tagged[: picture + len(data) // 2]))
    assert "cut short" in why


@pytest.mark.parametrize("container", ["ipod", "mp4", "mov"])
def test_an_mp4_without_its_index(tmp_path: Path, container: str) -> None:
    data = encoded(container, "aac", 44_100)
    assert "its index is missing; it is cut short or was never finished" in refused(saved(tmp_path, data[:-2_000]))


@pytest.mark.parametrize("options", [{"movflags": "faststart"}, {"movflags": "frag_keyframe+empty_moov"}])
def test_an_mp4_with_its_index_in_front_is_read_from_a_pipe_as_it_comes(options: dict[str, str]) -> None:
    data = encoded("mp4", "aac", 48_000, seconds=120, options=options)
    pipe = Pipe(data)
    with Recording.open("-", stdin=pipe) as recording:  # type: ignore[arg-type]
        next(recording.chunks())
        assert pipe._data.tell() < len(data) / 2


def test_a_long_recording_is_decoded_as_it_is_sent(tmp_path: Path) -> None:
    data = encoded("matroska", "aac", 48_000, seconds=120)
    with saved(tmp_path, data, "it.mkv").open("rb") as file, Recording.open("-", stdin=file) as recording:
        next(recording.chunks())
        assert file.tell() < len(data) / 2


@pytest.mark.parametrize("container", ["mp4", "matroska", "mov"])
def test_sound_that_begins_after_the_picture_keeps_its_time(tmp_path: Path, container: str) -> None:
    data = encoded(container, "aac", 48_000, begins_s=1.5, picture=True)
    assert loud_s(samples_of(saved(tmp_path, data))) == pytest.approx((1.5, 1.5 + SECONDS), abs=0.15)


def test_a_picture_without_sound(tmp_path: Path) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        video = out.add_stream("mpeg4", rate=10)
        video.width = video.height = 32
        out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        out.mux(video.encode(None))
    assert "it has no audio track; give a recording with sound" in refused(saved(tmp_path, file.getvalue()))


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    other = saved(tmp_path, encoded("adts", "aac", 44_100), "other.aac")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other.as_uri()}\n#EXT-X-ENDLIST\n".encode()
    assert "it is not audio" in refused(saved(tmp_path, playlist, "list.m3u8"))
    assert "it is not audio" in refused("-", Pipe(playlist))


def test_damage_in_the_middle_loses_only_what_is_damaged(tmp_path: Path) -> None:
    data = bytearray(encoded("adts", "aac", 44_100))
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    heard, why = read_until_error(saved(tmp_path, bytes(data), "it.aac"))
    assert heard / 16_000 > 0.8 * SECONDS
    assert "damaged at" in why


def cases() -> Iterator[tuple[Path, str]]:
    manifest = private("cases", "manifest.jsonl")
    for line in manifest.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["kind"].startswith(("container", "WAV header")):
            yield manifest.parent / case["file"], case["file"]


def test_the_recordings_that_were_called_damaged() -> None:
    for path, name in cases():
        for heard in (samples_of(path), samples_of("-", Pipe(path.read_bytes()))):
            assert len(heard) / 16_000 == pytest.approx(1.78, abs=0.1), name
            assert np.abs(heard.astype(int)).max() > 3_000, name
