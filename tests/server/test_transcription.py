"""``auricle.transcribe``: a plain call, in a script and inside a running loop, and one sentence where it fails."""

import asyncio
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio

import auricle
from auricle.engines.actor import EngineActor
from auricle.engines.scripted.script import COUNTING
from auricle.server.transcription import _Thread
from server.test_server import auricle as running_auricle

HELLO = Path(__file__).parents[2] / "examples" / "audio" / "hello.flac"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_auricle(COUNTING) as url:
        yield url


def test_it_returns_text_words_and_segments(url: str) -> None:
    heard = auricle.transcribe(HELLO, url=url)
    assert str(heard) == heard.text == " ".join(segment.text for segment in heard.segments)
    assert heard.text.startswith("one two three")
    assert [word.text for word in heard.words] == heard.text.split()
    assert all(before.end <= after.start for before, after in zip(heard.words, heard.words[1:], strict=False))
    assert (heard.complete, heard.language) == (True, "en")
    assert heard.duration_s > 3
    assert heard.engine is not None
    assert heard.engine.name == "scripted"
    assert repr(heard).startswith("<Transcription 'one two three")
    assert len(repr(heard)) < 160, "a notebook shows it"


def test_a_server_of_its_own_is_started_where_none_is_named() -> None:
    before = threading.active_count()
    assert auricle.transcribe(str(HELLO), engine="scripted").text.startswith("one two three")
    assert threading.active_count() <= before + 1, "trio keeps worker threads for a while, but not the loop's"


def test_a_server_of_its_own_decodes_the_recording_and_no_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[EngineActor] = []

    async def probe(actor: EngineActor) -> None:
        tries.append(actor)

    monkeypatch.setattr(EngineActor, "probe", probe)
    assert auricle.transcribe(HELLO, engine="scripted").complete
    assert tries == [], "there is audio at once, and nobody who asks whether the model answers"


def test_it_works_inside_a_running_loop_as_in_a_notebook(url: str) -> None:
    async def cell() -> str:
        return auricle.transcribe(HELLO, url=url).text

    assert asyncio.run(cell()).startswith("one two three")


@pytest.mark.parametrize(
    ("recording", "options", "sentence"),
    [
        ("nothing.wav", {}, r"Cannot read nothing\.wav: there is no such file"),
        (__file__, {}, "it is not audio"),
        (".", {}, r"Cannot read \.: it is a directory; name the recordings inside it"),
        ("", {}, r"Cannot read '': it is no name; give the path of a recording"),
        (HELLO, {"url": "ws://127.0.0.1:1"}, "The connection could not be made"),
        (HELLO, {"engine": "nonsuch"}, "nonsuch"),
        (HELLO, {"channel": 7}, "no channel 7"),
        (HELLO, {"engine": "sphinx", "language": "de"}, "'de'"),
    ],
)
def test_what_goes_wrong_is_one_sentence(recording: object, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(auricle.TranscriptionError, match=sentence) as caught:
        auricle.transcribe(recording, **options)
    assert caught.value.partial is None
    assert "\n" not in str(caught.value)


def test_what_is_raised_is_not_logged_as_well() -> None:
    """In a process whose logging nobody has configured, as a script's or a notebook's."""
    script = f"import auricle; auricle.transcribe({str(HELLO)!r}, model='pebble-en', language='de')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.stderr.startswith("Traceback"), ended.stderr
    assert "TranscriptionError" in ended.stderr


def test_what_is_wrong_with_arguments_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="the server at url has made its choice"):
        auricle.transcribe(HELLO, url="ws://127.0.0.1:1", model="base")
    with pytest.raises(ValueError, match="/language"):
        auricle.transcribe(HELLO, language=3)
    with pytest.raises(ValueError, match="not the URL of a server"):
        auricle.transcribe(HELLO, url="nonsense")


@pytest.mark.parametrize(
    "recording", [np.zeros(16_000), b"RIFF", io.BytesIO(), 5], ids=lambda each: type(each).__name__
)
def test_what_is_no_path_is_told_what_to_do(recording: object) -> None:
    with pytest.raises(TypeError, match=r"takes the path of a recording, and not a.*: write audio .* to a file first"):
        auricle.transcribe(recording)  # type: ignore[arg-type]


def test_several_paths_are_told_to_be_given_one_by_one() -> None:
    with pytest.raises(TypeError, match="the path of one recording, and not several: call it for each of them"):
        auricle.transcribe([HELLO, HELLO])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["keyterms", "languages"])
def test_one_string_is_not_taken_for_its_letters(name: str) -> None:
    with pytest.raises(TypeError, match=rf"{name} is a list of strings, as in {name}=\["):
        auricle.transcribe(HELLO, **{name: "en,de"})  # type: ignore[arg-type]


def test_a_recording_that_breaks_off_gives_what_was_heard(url: str, tmp_path: Path) -> None:
    cut = tmp_path / "cut.flac"
    cut.write_bytes(HELLO.read_bytes()[:-2_000])
    with pytest.raises(auricle.TranscriptionError, match="Cannot read") as caught:
        auricle.transcribe(cut, url=url)
    assert caught.value.partial is not None
    assert caught.value.partial.text.startswith("one two three")


def test_channels_that_cancel_each_other_are_a_warning(url: str, tmp_path: Path) -> None:
    mono = 0.5 * np.sin(np.arange(80_000) / 6)
    soundfile.write(tmp_path / "it.wav", np.stack([mono, -mono], axis=1), 16_000)
    with pytest.warns(RuntimeWarning, match=r"it\.wav cancel each other: the first of them is heard alone\."):
        auricle.transcribe(tmp_path / "it.wav", url=url)


def test_a_fallback_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "The model is not there; sphinx answers instead."
    monkeypatch.setattr("auricle.server.app.SpeechServer.fallback_reason", sentence)
    with pytest.warns(RuntimeWarning, match="sphinx answers instead"):
        auricle.transcribe(HELLO, engine="scripted")


def test_an_interrupt_ends_the_thread_before_it_is_raised() -> None:
    began, ended = threading.Event(), threading.Event()

    async def forever() -> None:
        began.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    thread = _Thread(forever)
    join, joined = thread._thread.join, []

    def interrupted() -> None:
        if not joined:
            joined.append(began.wait(10))
            raise KeyboardInterrupt
        join()

    thread._thread.join = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        thread.result()
    assert ended.is_set()


def test_an_interrupt_before_the_loop_has_begun_ends_the_thread_too() -> None:
    left = threading.Event()

    class SlowToBegin(_Thread[None]):
        async def _main(self) -> None:
            left.wait(10)
            await super()._main()

    thread = SlowToBegin(trio.sleep_forever)
    join, joined = thread._thread.join, []

    def interrupted() -> None:
        joined.append(None)
        if len(joined) == 1:
            raise KeyboardInterrupt
        left.set()
        join(10)

    thread._thread.join = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        thread.result()
    assert not thread._thread.is_alive()


def test_an_interrupt_after_the_loop_has_ended_is_told_as_one() -> None:
    async def nothing() -> None:
        """End at once."""

    thread = _Thread(nothing)
    join, joined = thread._thread.join, []

    def interrupted() -> None:
        join(10)
        joined.append(None)
        if len(joined) == 1:
            raise KeyboardInterrupt

    thread._thread.join = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        thread.result()


def test_an_interrupt_while_the_thread_is_started_leaves_nothing_behind() -> None:
    thread = _Thread(trio.sleep_forever)

    def interrupted() -> None:
        raise KeyboardInterrupt

    thread._thread.start = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        thread.result()
    assert thread._left


def test_without_the_extra_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['trio'] = None; import auricle.core, auricle; auricle.transcribe"
    failed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert failed.stderr.splitlines()[-1] == (
        "ImportError: auricle.transcribe needs the engines, and trio is not installed: install auricle with its extra "
        "`server`."
    )


def test_other_names_are_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match="no attribute 'transcript'"):
        auricle.transcript  # noqa: B018
    assert {"transcribe", "TranscriptionError"} <= set(dir(auricle))
