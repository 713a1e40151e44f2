"""The ``auricle`` command line: options and subcommands."""

import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, NoReturn, TypeVar

import trio
import typer

from auricle.engines.fallback import Isolation
from auricle.engines.protocol import EngineError
from auricle.server.app import DEFAULT_PORT, ServerConfig
from auricle.server.cli import conform as conform_command
from auricle.server.cli import listen as listen_command
from auricle.server.cli import replay as replay_command
from auricle.server.cli import serve as serve_command
from auricle.server.cli import transcribe as transcribe_command
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.formats import Format
from auricle.server.cli.jobs import Wanted
from auricle.server.cli.logging_setup import configure_logging
from auricle.server.cli.output_plan import OutputError
from auricle.server.cli.server_choice import ServerChoice
from auricle.server.cli.streaming import start_message
from auricle.server.http.listener import ListenError
from auricle.transports.address import parse_address
from auricle.transports.errors import InvalidURL

app = typer.Typer(
    name="auricle",
    help="Self-hosted real-time speech-to-text: every sample accounted for, and every stream ends.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


Argument = TypeVar("Argument")


class Task(StrEnum):
    """The task: transcribe in the language spoken, or translate to English."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


Url = Annotated[
    str | None,
    typer.Option("--url", envvar="AURICLE_URL", help="A running server; without it one is started for this command."),
]
ApiKey = Annotated[str | None, typer.Option("--api-key", envvar="AURICLE_API_KEY", help="The key for that server.")]
Engine = Annotated[
    str | None,
    typer.Option("--engine", envvar="AURICLE_ENGINE", help="whisper, sphinx, scripted, or an installed one."),
]
Model = Annotated[
    str | None, typer.Option("--model", envvar="AURICLE_MODEL", help="A model's name or its directory; no fallback.")
]
Language = Annotated[
    str | None, typer.Option("--language", envvar="AURICLE_LANGUAGE", help="As in en or de; without it: detected.")
]
TaskOption = Annotated[Task, typer.Option("--task", help="Write the words as spoken, or in English.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, to standard error.")]


@app.command()
def transcribe(
    files: Annotated[list[str], typer.Argument(help="Recordings: WAV, MP3, M4A, MP4 …; - is standard input.")],
    url: Url = None,
    api_key: ApiKey = None,
    engine: Engine = None,
    model: Model = None,
    language: Language = None,
    task: TaskOption = Task.TRANSCRIBE,
    output: Annotated[str | None, typer.Option("--output", "-o", help="A file, or a directory for one each.")] = None,
    template: Annotated[
        str | None,
        typer.Option(
            "--output-template", help="Names of the files, as in '{folder}/{stem}.{format}'; {name}, {number}."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace transcripts that are there.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Skip recordings whose transcript is there.")] = False,
    form: Annotated[Format, typer.Option("--format", "-f", help="How the transcript is written.")] = Format.TEXT,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Take the recordings in folders, and in those below.")
    ] = False,
    channel: Annotated[
        int | None, typer.Option("--channel", min=1, help="Take this channel alone; without it, the average of all.")
    ] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Send at the pace of speech, like a microphone.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Transcribe recordings."""
    configure_logging(verbose=verbose)
    server = _server(url, api_key, engine, model, language)
    wanted = Wanted(
        files=files,
        form=form,
        recursive=recursive,
        channel=channel,
        output=output,
        template=template,
        overwrite=overwrite,
        resume=resume,
        confirm=_confirm if sys.stdin.isatty() and sys.stderr.isatty() else None,
    )
    config = start_message(language=language, task=task.value)
    request = transcribe_command.Request(wanted=wanted, config=config, server=server, realtime=realtime)
    _run(transcribe_command.transcribe, request)


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", envvar="AURICLE_HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", envvar="AURICLE_PORT", min=0, max=65535, help="0 takes a free one.")
    ] = DEFAULT_PORT,
    engine: Engine = None,
    model: Model = None,
    language: Language = None,
    max_sessions: Annotated[
        int | None,
        typer.Option(
            "--max-sessions", envvar="AURICLE_MAX_SESSIONS", min=1, help="Refuse whoever comes on top of that."
        ),
    ] = None,
    engine_isolation: Annotated[
        Isolation,
        typer.Option(
            "--engine-isolation",
            envvar="AURICLE_ENGINE_ISOLATION",
            help="process: a crash or a hang of the model costs no session. thread: for small machines.",
        ),
    ] = Isolation.PROCESS,
    verbose: Verbose = False,
) -> None:
    """Run the server."""
    configure_logging(verbose=verbose)
    config = ServerConfig(
        host=host,
        port=port,
        engine=engine,
        model=model,
        language=language,
        engine_isolation=engine_isolation,
        max_sessions=max_sessions,
    )
    _run(serve_command.serve, config)


@app.command()
def listen(
    url: Url = None,
    api_key: ApiKey = None,
    engine: Engine = None,
    model: Model = None,
    language: Language = None,
    task: TaskOption = Task.TRANSCRIBE,
    device: Annotated[
        str | None, typer.Option("--device", help="The microphone: its number or part of its name.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Transcribe the microphone until Ctrl-C."""
    configure_logging(verbose=verbose)
    config = start_message(language=language, task=task.value)
    server = _server(url, api_key, engine, model, language)
    _run(listen_command.listen, listen_command.Request(config=config, server=server, device=device))


@app.command()
def replay(
    file: Annotated[str, typer.Argument(help="A trace, as AURICLE_TRACE=directory makes them.")],
    conversation: Annotated[
        bool, typer.Option("--conversation", help="Print all that was said, a line a message.")
    ] = False,
    save: Annotated[str | None, typer.Option("--save", help="Write the trace as this version would record it.")] = None,
) -> None:
    """Step this version's protocol core through a trace; exit status 1 where it does otherwise."""
    _run(replay_command.replay_trace, replay_command.Request(file=file, conversation=conversation, save=save))


@app.command()
def conform(
    url: Annotated[str | None, typer.Argument(help="A server: ws://, wss://, http:// or https://.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Run this check; may be given again.")] = None,
    list_them: Annotated[bool, typer.Option("--list", help="Name every check, and run none.")] = False,
    audio: Annotated[
        str | None, typer.Option("--audio", help="A recording with speech; without it, something like a voice.")
    ] = None,
    api_key: ApiKey = None,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds that each check may take.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check a server against the protocol, from outside; exit status 1 where it fails a check."""
    if list_them:
        conform_command.list_checks()
        return
    if url is None:
        raise typer.BadParameter("name the server that is to be checked, or --list the checks", param_hint="URL")
    _run(
        conform_command.conform,
        conform_command.Request(
            url=url, only=tuple(only or ()), audio=audio, api_key=api_key, timeout_s=timeout_s, as_json=as_json
        ),
    )


def main() -> None:
    """Entry point of the ``auricle`` script."""
    app()


def _server(
    url: str | None, api_key: str | None, engine: str | None, model: str | None, language: str | None
) -> ServerChoice:
    if url is not None:
        try:
            parse_address(url)
        except InvalidURL as error:
            _exit_with_error(str(error))
        if engine is not None or model is not None:
            _exit_with_error(
                "--engine and --model choose what this command starts; the server at --url has made its choice."
            )
    return ServerChoice(url=url, api_key=api_key, engine=engine, model=model, language=language)


def _confirm(question: str) -> bool:
    return typer.confirm(question, err=True)


def _run(command: Callable[[Argument], Awaitable[Exit]], argument: Argument) -> None:
    """Run a command and exit with its status; errors that a user can cause are one sentence, never a traceback."""
    result = Exit.GOOD
    try:
        result = trio.run(command, argument)
    except* KeyboardInterrupt:
        result = Exit.INTERRUPTED
    except* (EngineError, OutputError, ListenError) as group:
        _print_errors(group)
        result = Exit.BAD_INPUT
    except* BrokenPipeError:
        # The reading end of standard output is closed: nothing can be written to it, not even at exit.
        sys.stdout = None
        result = Exit.INCOMPLETE
    raise typer.Exit(int(result))


def _print_errors(group: BaseExceptionGroup[BaseException]) -> None:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _print_errors(error)
        else:
            print(error, file=sys.stderr)


def _exit_with_error(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(int(Exit.BAD_INPUT))
