"""The ``auricle`` command line: options and subcommands.

What the commands need is imported when they run: help, completion and wrong options come at once.
"""

import sys
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Final

import typer

from auricle.server.cli.cluster_options import cluster
from auricle.server.cli.dashed_names import hint_for
from auricle.server.cli.early_signals import good_end_on_signals
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.invocation import ConfigFile, checked, effective_settings, exit_with_error, read_settings, run
from auricle.server.cli.keys_app import keys_app
from auricle.server.cli.lazy import lazy_module
from auricle.server.cli.models_app import models_app
from auricle.server.cli.option_values import BEAM_SIZE, CHANNEL, FORMAT, THREADS, TIMEOUT
from auricle.server.cli.options import (
    ApiKey,
    BeamSize,
    ComputeType,
    Device,
    Engine,
    Keyterms,
    Language,
    Languages,
    MaxSegment,
    Model,
    Prompt,
    Realtime,
    Recursive,
    Silence,
    Speakers,
    TaskOption,
    Threads,
    Url,
    Verbose,
)
from auricle.server.cli.output_format import output_format
from auricle.server.cli.setting_options import add_setting_options
from auricle.server.settings.kinds import Value
from auricle.server.transcripts.format_names import Format

if TYPE_CHECKING:
    from auricle.server.cli import config as config_command
    from auricle.server.cli import conform as conform_command
    from auricle.server.cli import doctor as doctor_command
    from auricle.server.cli import jobs, running, server_choice, session_options, streaming
    from auricle.server.cli import listen as listen_command
    from auricle.server.cli import replay as replay_command
    from auricle.server.cli import serve as serve_command
    from auricle.server.cli import transcribe as transcribe_command
    from auricle.server.logs import setup as logs
else:
    config_command = lazy_module("auricle.server.cli.config")
    conform_command = lazy_module("auricle.server.cli.conform")
    logs = lazy_module("auricle.server.logs.setup")
    doctor_command = lazy_module("auricle.server.cli.doctor")
    jobs = lazy_module("auricle.server.cli.jobs")
    listen_command = lazy_module("auricle.server.cli.listen")
    replay_command = lazy_module("auricle.server.cli.replay")
    running = lazy_module("auricle.server.cli.running")
    serve_command = lazy_module("auricle.server.cli.serve")
    server_choice = lazy_module("auricle.server.cli.server_choice")
    session_options = lazy_module("auricle.server.cli.session_options")
    streaming = lazy_module("auricle.server.cli.streaming")
    transcribe_command = lazy_module("auricle.server.cli.transcribe")

MORE_SETTINGS: Final = (
    "`auricle config --explain` prints every setting: each is a flag, a variable and a key of the file."
)

_ENGINES: Final = "auricle.engines.scheduling.native_calls"
"""A module without which no engine can have run."""

app = typer.Typer(
    name="auricle",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich takes as long to import as all the rest of the help
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")


@app.command()
def transcribe(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Recordings: WAV, MP3, M4A, MP4 …; - is standard input.")
    ],
    url: Url = None,
    api_key: ApiKey = None,
    engine: Engine = None,
    model: Model = None,
    language: Language = None,
    languages: Languages = None,
    task: TaskOption = "transcribe",
    prompt: Prompt = None,
    keyterms: Keyterms = None,
    silence: Silence = None,
    max_segment: MaxSegment = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="PATH", help="A file, or a directory for one each.")
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="Give each word its time: in vtt, tsv and lrc; json always does.")
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            "--output-template",
            metavar="NAME",
            help="Names of the files, as in '{folder}/{stem}.{format}'; {name}, {number}.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace transcripts that are there.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Skip recordings whose transcript is there.")] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="|".join(FORMAT.words),
            autocompletion=FORMAT.complete,
            help="How the transcript is written; without it as the name of --output says, or as text.",
        ),
    ] = None,
    recursive: Recursive = False,
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="NUMBER", help="Take this channel alone; without it, the average of all."),
    ] = None,
    realtime: Realtime = False,
    speakers: Speakers = None,
    device: Device = None,
    compute_type: ComputeType = None,
    beam_size: BeamSize = None,
    threads: Threads = None,
    verbose: Verbose = False,
) -> None:
    """Transcribe recordings."""
    wanted_form = checked(lambda: output_format(form, output, template))
    number = checked(lambda: CHANNEL.read(channel))
    beams, lanes = checked(lambda: (BEAM_SIZE.read(beam_size), THREADS.read(threads)))
    # Behind a pipe there may be a microphone, and somebody who waits for the words.
    live = realtime or "-" in files
    given = session_options.Given(language, languages, task, prompt, keyterms, silence, max_segment)
    options = checked(lambda: given.checked(live=live))
    if speakers is not None and wanted_form is not Format.JSON:
        exit_with_error("--speakers gives each word its speaker, which only --format json has a place for.")
    logs.configure_logging("info" if verbose else "error")  # a session that fails is told with its file
    compute = server_choice.ComputeOptions(device=device, compute_type=compute_type, beam_size=beams, threads=lanes)
    server = _server(url, api_key, engine, model, language, compute)
    wanted = jobs.Wanted(
        files=files,
        form=wanted_form,
        recursive=recursive,
        channel=number,
        output=output,
        template=template,
        times_words=words,
        overwrite=overwrite,
        resume=resume,
        confirm=_confirm if _somebody_answers() else None,
    )
    config = streaming.start_message(options)
    request = transcribe_command.Request(
        wanted=wanted, config=config, server=server, realtime=realtime, speakers=speakers
    )
    run(transcribe_command.transcribe, request)


@app.command(epilog=MORE_SETTINGS)
@add_setting_options
def serve(
    *,
    flags: dict[str, Value],
    config: ConfigFile = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="The same as --log-level debug.")] = False,
) -> None:
    """Run the server."""
    if verbose:
        flags["log_level"] = flags["log_level"] or "debug"
    settings = effective_settings(flags, config)
    logs.configure_logging(str(settings.value("log_level")), str(settings.value("log_format")))
    with good_end_on_signals():  # these imports take a second, and an orchestrator may change its mind
        command = serve_command.serve
        read = partial(read_settings, flags, config)
        checked(lambda: serve_command.check_announcement(settings))
        request = checked(lambda: serve_command.request(settings, read))
    run(command, request)


@app.command("config", epilog=MORE_SETTINGS)
@add_setting_options
def print_config(
    *,
    flags: dict[str, Value],
    config: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    explains: Annotated[bool, typer.Option("--explain", help="With what each setting means.")] = False,
) -> None:
    """Print the settings of the server, and where each value comes from.

    The output is a file for --config that says the same.
    """
    config_command.print_settings(effective_settings(flags, config), as_json=as_json, explains=explains)


@app.command()
def listen(
    url: Url = None,
    api_key: ApiKey = None,
    engine: Engine = None,
    model: Model = None,
    language: Language = None,
    languages: Languages = None,
    task: TaskOption = "transcribe",
    prompt: Prompt = None,
    keyterms: Keyterms = None,
    silence: Silence = None,
    max_segment: MaxSegment = None,
    device: Annotated[
        str | None, typer.Option("--device", help="The microphone: its number or part of its name.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Transcribe the microphone until Ctrl-C."""
    logs.configure_logging("info" if verbose else "warning")
    given = session_options.Given(language, languages, task, prompt, keyterms, silence, max_segment)
    config = streaming.start_message(checked(lambda: given.checked(live=True)))
    server = _server(url, api_key, engine, model, language)
    run(listen_command.listen, listen_command.Request(config=config, server=server, device=device))


@app.command()
def replay(
    file: Annotated[str, typer.Argument(help="A trace, as AURICLE_TRACE=directory makes them.")],
    conversation: Annotated[
        bool, typer.Option("--conversation", help="Print all that was said, a line a message.")
    ] = False,
    save: Annotated[str | None, typer.Option("--save", help="Write the trace as this version would record it.")] = None,
) -> None:
    """Step this version's protocol core through a trace.

    Exit status 1 where it does otherwise.
    """
    run(replay_command.replay_trace, replay_command.Request(file=file, conversation=conversation, save=save))


@app.command()
def conform(
    url: Annotated[str | None, typer.Argument(help="A server: ws://, wss://, http:// or https://.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Run this check; may be given again.")] = None,
    list_them: Annotated[bool, typer.Option("--list", help="Name every check, and run none.")] = False,
    audio: Annotated[
        str | None, typer.Option("--audio", help="A recording with speech; without it, something like a voice.")
    ] = None,
    api_key: ApiKey = None,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="SECONDS", help="Seconds that each check may take.")
    ] = "30",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check a server against the protocol, from outside.

    Exit status 1 where it fails a check.
    """
    if list_them:
        conform_command.list_checks()
        return
    if url is None:
        raise typer.BadParameter("name the server that is to be checked, or --list the checks", param_hint="URL")
    timeout_s = checked(lambda: TIMEOUT.read_given(timeout))
    run(
        conform_command.conform,
        conform_command.Request(
            url=url, only=tuple(only or ()), audio=audio, api_key=api_key, timeout_s=timeout_s, as_json=as_json
        ),
    )


@app.command()
def devices() -> None:
    """Name the microphones, and what models can run on."""
    doctor_command.print_devices()


@app.command()
def doctor() -> None:
    """Look for what would keep Auricle from working.

    Exit status 1 where something would.
    """
    run(doctor_command.doctor, None)


app.command()(cluster)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"auricle {metadata.version('auricle')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Self-hosted real-time speech-to-text: every sample accounted for, and every stream ends."""


def main() -> None:
    """Entry point of the ``auricle`` script."""
    try:
        app()
    except SystemExit as end:
        if end.code == Exit.BAD_INPUT and (hint := hint_for(sys.argv[1:])):
            print(hint, file=sys.stderr)
        if _ENGINES in sys.modules and isinstance(end.code, int):
            running.leave_engine(end.code)
        raise


def _server(
    url: str | None,
    api_key: str | None,
    engine: str | None,
    model: str | None,
    language: str | None,
    compute: "server_choice.ComputeOptions | None" = None,
) -> "server_choice.ServerChoice":
    return checked(
        lambda: server_choice.choose_server(
            url=url,
            api_key=api_key,
            engine=engine,
            model=model,
            language=language,
            compute=compute or server_choice.ENGINE_DEFAULTS,
        )
    )


def _somebody_answers() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _confirm(question: str) -> bool:
    return typer.confirm(question, err=True)
