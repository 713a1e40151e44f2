"""`curl` against `/v1/transcribe`: what a shell can do, without any client of ours."""

import json
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.uploads.upload_server import FAR_S, TEN_NUMBERS, UploadServer, recording, upload_server

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
LINES = ["one two three four five", "six seven eight nine ten"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("curl") / "numbers.wav"
    path.write_bytes(recording())
    return path


def curl(*arguments: str, stdin: bytes | None = None) -> str:
    command = ["curl", "-sS", "--max-time", str(FAR_S), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout.decode()


def test_a_file_is_put_and_text_comes(server: UploadServer, file: Path) -> None:
    text = curl("-T", str(file), f"{server.url}/v1/transcribe")
    assert " ".join(text.split()) == TEN_NUMBERS


@pytest.mark.parametrize(
    ("form", "begins", "media_type"),
    [
        ("text", "one two", "text/plain; charset=utf-8"),
        ("srt", "1\n00:00:00,000 --> ", "application/x-subrip; charset=utf-8"),
        ("vtt", "WEBVTT\n\n00:00:00.000 --> ", "text/vtt; charset=utf-8"),
        ("tsv", "start\tend\ttext\n0\t", "text/tab-separated-values; charset=utf-8"),
        ("lrc", "[00:00.00]one two", "text/plain; charset=utf-8"),
        ("json", "{", "application/json"),
    ],
)
def test_every_format(server: UploadServer, file: Path, form: str, begins: str, media_type: str) -> None:
    answer = curl("-i", "--data-binary", f"@{file}", f"{server.url}/v1/transcribe?format={form}")
    head, _, body = answer.partition("\r\n\r\n")
    if head.startswith("HTTP/1.1 100"):
        head, _, body = body.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200")
    assert f"content-type: {media_type}" in head
    assert body.startswith(begins)
    assert all(number in body for number in TEN_NUMBERS.split())


def test_json_is_that_of_the_command_line(server: UploadServer, file: Path) -> None:
    heard = json.loads(curl("-T", str(file), f"{server.url}/v1/transcribe/?format=json"))
    assert (heard["file"], heard["text"], heard["complete"]) == ("numbers.wav", TEN_NUMBERS, True)
    assert heard["accounting"]["committed"] == 6 * 16_000


def test_what_is_accepted_may_say_the_format(server: UploadServer, file: Path) -> None:
    answer = curl("-T", str(file), "-H", "Accept: text/html, text/vtt;q=0.9", f"{server.url}/v1/transcribe")
    assert answer.startswith("WEBVTT\n")


def test_a_form_is_as_good(server: UploadServer, file: Path) -> None:
    answer = curl("-F", f"file=@{file}", f"{server.url}/v1/transcribe?format=srt&language=English&keyterms=one,two")
    assert answer.startswith("1\n00:00:00,000 --> ")


def test_text_comes_while_the_recording_still_does(server: UploadServer) -> None:
    """On a socket: `curl` itself reads no answer while it waits for its standard input."""
    whole = recording(180.0)
    head = f"PUT /v1/transcribe HTTP/1.1\r\nHost: a\r\nContent-Length: {len(whole)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(FAR_S)
        client.sendall(head.encode() + whole[: len(whole) // 2])
        answer = b""
        while b"one two three four five" not in answer:
            answer += client.recv(65536)
        client.sendall(whole[len(whole) // 2 :])
        while data := client.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        ("", b"", "The body is empty: send the bytes of a recording, as in `curl -T talk.m4a ADDRESS`."),
        ("", b"not a recording", "Cannot read the upload: it is not audio but text; give a recording, such as WAV"),
        ("?format=pdf", b"x", "format is one of text, json, srt, vtt, tsv, lrc, and not 'pdf'."),
        ("?fromat=srt", b"x", "There is no parameter 'fromat': there are format, language, languages, task"),
        ("?task=sing", b"x", "task is transcribe or translate, and not 'sing'."),
        ("?channel=left", b"x", "channel is a number, counted from 1, and not 'left'."),
        ("?keyterms=" + 201 * "x", b"x", "The parameters are not understood: "),
        ("?channel=2", recording(), "Cannot read the upload: it has one channel and no channel 2"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(server: UploadServer, arguments: str, stdin: bytes, sentence: str) -> None:
    problem = json.loads(curl("-T", "-", f"{server.url}/v1/transcribe{arguments}", stdin=stdin))
    assert (problem["status"], problem["title"]) == (400, "Bad Request")
    assert problem["detail"].startswith(sentence)


@pytest.mark.parametrize(
    ("data", "what"),
    [(b"%PDF-1.7\n\xe2\xe3", "a PDF document"), (b"<html></html>", "a web page"), (b"PK\x03\x04\0", "a ZIP archive")],
)
@pytest.mark.parametrize(
    ("path", "form"), [("/v1/listen", False), ("/v1/transcribe", False), ("/v1/audio/transcriptions", True)]
)
def test_every_door_says_alike_what_is_no_recording(
    server: UploadServer, tmp_path: Path, path: str, form: bool, data: bytes, what: str
) -> None:
    (tmp_path / "it").write_bytes(data)
    body = ("-F", f"file=@{tmp_path}/it") if form else ("--data-binary", f"@{tmp_path}/it")
    answer = curl(*body, *(("-F", "model=whisper-1") if form else ()), f"{server.url}{path}")
    name = "it" if form else "the upload"
    assert f"Cannot read {name}: it is not audio but {what}" in answer
    assert "; give a recording, such as WAV, MP3, M4A or MP4." in answer


def test_a_recording_that_is_cut_says_so_behind_its_text(server: UploadServer) -> None:
    text = curl("-T", "-", f"{server.url}/v1/transcribe", stdin=recording()[:96_044])
    assert text.startswith("one two three four five\n# Cannot read the upload: it is cut short")


def test_channels_that_cancel_each_other_are_told(server: UploadServer, tmp_path: Path) -> None:
    mono = 0.5 * np.sin(np.arange(80_000) / 6)
    soundfile.write(tmp_path / "it.wav", np.stack([mono, -mono], axis=1), 16_000)
    text = curl("-T", str(tmp_path / "it.wav"), f"{server.url}/v1/transcribe")
    assert text.endswith("\n# The channels of the upload cancel each other: the first of them is heard alone.\n")


def test_a_form_that_is_too_large_is_one_sentence(file: Path) -> None:
    """Only a form, which is stored: a body that is the recording has no limit."""
    with upload_server(max_upload_bytes=50_000) as server:
        problem = json.loads(curl("-F", f"file=@{file}", f"{server.url}/v1/transcribe"))
        assert (problem["status"], "as the body of /v1/transcribe, which has no limit" in problem["detail"]) == (
            413,
            True,
        )
        assert " ".join(curl("-T", str(file), f"{server.url}/v1/transcribe").split()) == TEN_NUMBERS


def test_one_that_is_killed_leaves_nothing_behind_and_ten_go_on(server: UploadServer, file: Path) -> None:
    command = ["curl", "-sS", "-T", "-", f"{server.url}/v1/transcribe"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as killed:
        assert killed.stdin is not None
        killed.stdin.write(recording()[:100_000])
        killed.stdin.flush()
        killed.kill()
    with ThreadPoolExecutor(10) as pool:
        texts = pool.map(lambda _: " ".join(curl("-T", str(file), f"{server.url}/v1/transcribe").split()), range(10))
        assert list(texts) == [TEN_NUMBERS] * 10
    server.wait_until_idle()
