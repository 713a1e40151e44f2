"""``auricle.transcribe``: one recording, one call, for scripts and notebooks.

It goes the way of ``auricle transcribe``: a server on a free loopback port, or one that runs already, hears the
recording in windows that reach across its pauses, and every sample is accounted for. The loop runs in a thread of its
own, so that the call works inside another loop too, as in a notebook's cell.
"""

import logging
import os
import threading
import warnings
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Generic, Literal, Self, TypeVar

import trio

from auricle.core import AuricleError, Start, messages
from auricle.core.parts import ServerInfo, Word
from auricle.engines.compute import ComputeOptions
from auricle.engines.protocol import EngineUnavailable
from auricle.server.cli.server_choice import ServerChoice, server_url
from auricle.server.cli.session_options import SessionOptions
from auricle.server.cli.speakers import naming
from auricle.server.cli.streaming import Outcome, paced, start_message, stream, transcript
from auricle.server.recordings.recording import Recording, RecordingError
from auricle.server.sessions.loading import load_embedder
from auricle.server.transcripts.formats import line
from auricle.server.transcripts.transcript import Transcript
from auricle.transports.trio import ConnectFailed, connect

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of speech that was heard as one. Times are seconds from the start of the recording."""

    text: str
    start: float
    end: float
    confidence: float
    """A probability, 0 to 1."""
    language: str | None
    words: tuple[Word, ...] = field(repr=False)


SHOWN: Final = 60
"""Characters of the text in a `repr`, which notebooks show of a cell's last value."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Transcription:
    """What was said in a recording. ``str()`` of it is the text."""

    text: str
    segments: tuple[Segment, ...]
    language: str | None
    """The language that most of the time is spoken; None where the engine does not say."""
    duration_s: float
    """Seconds of audio that were heard."""
    complete: bool
    """Whether every sample is accounted for. A server of the legacy dialect gives no proof of that."""
    engine: ServerInfo | None
    """What answered."""

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order, with times in seconds and a confidence each."""
        return tuple(word for segment in self.segments for word in segment.words)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        begin = self.text if len(self.text) <= SHOWN else f"{self.text[:SHOWN]} …"
        return (
            f"<Transcription {begin!r}: {len(self.segments)} segments, {len(self.words)} words, "
            f"{self.duration_s:.2f} s, {'complete' if self.complete else 'not complete'}>"
        )


logging.getLogger("auricle").addHandler(logging.NullHandler())  # what goes wrong is raised: it is not logged as well


class TranscriptionError(AuricleError):
    """A recording could not be transcribed, or not to its end. The message says why, and what to do."""

    def __init__(self, message: str, partial: Transcription | None = None) -> None:
        super().__init__(message)
        self.partial = partial
        """What was heard before; None where that is nothing."""


def transcribe(
    recording: str | os.PathLike[str],
    *,
    language: str | None = None,
    languages: Sequence[str] = (),
    task: Literal["transcribe", "translate"] = "transcribe",
    prompt: str | None = None,
    keyterms: Sequence[str] = (),
    channel: int | None = None,
    speakers: str | None = None,
    engine: str | None = None,
    model: str | None = None,
    device: str | None = None,
    url: str | None = None,
    api_key: str | None = None,
) -> Transcription:
    """Transcribe a recording (WAV, MP3, M4A, MP4 …), as ``auricle transcribe`` does, and return what was said in it.

    ``language`` None: it is detected, among ``languages`` where some are given. ``prompt`` is text of the kind that is
    expected, ``keyterms`` are words that are likely; ``channel`` counts from 1, None: the average of all. With
    ``speakers``, as in ``"campplus"``, each word has a speaker: A, B … in the order in which they are heard.
    ``engine``, ``model`` and ``device`` choose what is loaded for this call; for many recordings run ``auricle serve``
    once and give its ``url``. Notices, such as one that a fallback answers, are warnings.

    Raises `TranscriptionError` with one sentence, and what was heard before it; `ValueError` for arguments that
    contradict each other or that the protocol does not take; `TypeError` for what is no path, and no list.
    """
    _check_kinds(recording, languages=languages, keyterms=keyterms)
    if url is not None and (engine or model or device):
        raise ValueError(
            "engine, model and device choose what this call starts; the server at url has made its choice."
        )
    options = SessionOptions(
        language=language, languages=tuple(languages), task=task, prompt=prompt, terms=tuple(keyterms), live=False
    )
    server = ServerChoice(
        url=url, api_key=api_key, engine=engine, model=model, language=language, compute=ComputeOptions(device=device)
    )
    notices = _Notices()
    config = start_message(options)
    try:
        written = _Thread(
            lambda: _transcript(os.fspath(recording), channel, config, server, speakers, notices)
        ).result()
    except (RecordingError, EngineUnavailable, ConnectFailed) as error:
        raise TranscriptionError(str(error)) from error
    finally:
        for sentence in notices.sentences:
            warnings.warn(sentence, RuntimeWarning, stacklevel=2)
    heard, problem = written
    if problem is not None:
        raise TranscriptionError(problem, heard)
    return heard


def _check_kinds(recording: object, **lists: object) -> None:
    if isinstance(recording, list | tuple | set) and all(isinstance(each, str | os.PathLike) for each in recording):
        raise TypeError(
            "auricle.transcribe takes the path of one recording, and not several: call it for each of them."
        )
    if not isinstance(recording, str | os.PathLike):
        raise TypeError(
            f"auricle.transcribe takes the path of a recording, and not a {type(recording).__name__}: write audio that "
            "is in memory to a file first, as with soundfile.write."
        )
    for name, value in lists.items():
        if isinstance(value, str):
            meant = [each.strip() for each in value.split(",")]
            raise TypeError(f"{name} is a list of strings, as in {name}={meant}, and not one string.")


async def _transcript(
    file: str, channel: int | None, config: Start, server: ServerChoice, speakers: str | None, notices: "_Notices"
) -> tuple[Transcription, str | None]:
    """Return what was heard, and why that is not all, in one sentence; None where it is."""
    embedder = await load_embedder(speakers)
    with await trio.to_thread.run_sync(lambda: Recording.open(file, channel=channel)) as recording:
        async with (
            server_url(server, notices) as url,
            connect(url, config, api_key=server.api_key, allow_legacy=True) as client,
            naming(embedder, notices.note) as names,
            aclosing(names.passing(paced(recording.chunks(), realtime=False))) as chunks,
        ):
            outcome = Outcome(on_final=names.heard)
            await stream(client, chunks, notices, outcome, trio.CancelScope())
            outcome.finals = list(await names.named(outcome.finals))
        if why := recording.cancellation:
            notices.note(why)
    heard = _transcription(transcript(file, outcome, client.ready.server))
    if outcome.problem is not None:
        return heard, str(outcome.problem)
    assert outcome.closed is not None, "a stream ends with its terminal event"
    return heard, outcome.closed.message if outcome.closed.complete is False else None


def _transcription(written: Transcript) -> Transcription:
    segments = tuple(_segment(final) for final in written.spoken)
    return Transcription(
        text=" ".join(segment.text for segment in segments),
        segments=segments,
        language=written.language,
        duration_s=written.duration_s or 0.0,
        complete=written.complete is True,
        engine=written.engine,
    )


def _segment(final: messages.Final) -> Segment:
    return Segment(
        text=line(final),
        start=final.start,
        end=final.end,
        confidence=final.confidence,
        language=final.language,
        words=final.words or (),
    )


class _Notices:
    """A `Display` that keeps the notices, and shows nothing."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def start(self, name: str, duration_s: float | None, place: tuple[int, int] | None = None) -> None: ...

    def progress(self, sent_s: float, committed_s: float) -> None: ...

    def partial(self, message: messages.Partial) -> None: ...

    def final(self, message: messages.Final) -> None: ...

    def remark(self, line: str) -> None: ...

    def note(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def finish(self, summary_line: str) -> None: ...


class _Thread(Generic[Result]):
    """A trio loop in a thread of its own, which ends with the function that it runs."""

    def __init__(self, function: Callable[[], Awaitable[Result]]) -> None:
        self._function = function
        self._results: list[Result] = []
        self._errors: list[BaseException] = []
        self._scope = trio.CancelScope()
        self._token: trio.lowlevel.TrioToken | None = None
        self._left = False
        """Nobody waits for the result any more."""
        self._thread = threading.Thread(target=self._run, name="auricle.transcribe", daemon=True)

    def result(self) -> Result:
        """Run the function and return what it returns, or raise what it raises. Ctrl-C cancels it first."""
        try:
            self._thread.start()
            self._thread.join()
        except BaseException:
            self._leave()
            raise
        for error in self._errors:
            raise error
        return self._results[0]

    def _leave(self) -> None:
        """Cancel the function, whether its loop has begun, runs, or has ended, and wait for the thread."""
        self._left = True
        if self._token is not None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._scope.cancel)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except BaseException as error:
            self._errors.append(_alone(error))

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        if self._left:
            return
        with self._scope:
            self._results.append(await self._function())


def _alone(error: BaseException) -> BaseException:
    """Return the error that the groups of nurseries hold, where it is the only one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
