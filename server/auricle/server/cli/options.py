"""The options that several commands share: their names, their help, and the variables that may hold them.

Typer hands all of them over as text: what they take is read by `option_values`, in our own words.
"""

from typing import Annotated

import typer

from auricle.server.cli.option_values import TASK

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="AURICLE_URL",
        help="A running server; without it one is started for this command.",
    ),
]
ApiKey = Annotated[
    str | None, typer.Option("--api-key", metavar="KEY", envvar="AURICLE_API_KEY", help="The key for that server.")
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine", metavar="NAME", envvar="AURICLE_ENGINE", help="whisper, sphinx, scripted, or an installed one."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", envvar="AURICLE_MODEL", help="A model's name or its directory; no fallback."
    ),
]
Language = Annotated[
    str | None,
    typer.Option("--language", metavar="CODE", envvar="AURICLE_LANGUAGE", help="As in en or de; without it: detected."),
]
Languages = Annotated[
    str | None,
    typer.Option("--languages", metavar="CODES", help="Detect the language among these, as in en,de,fr."),
]
TaskOption = Annotated[
    str,
    typer.Option(
        "--task",
        metavar="|".join(TASK.words),
        autocompletion=TASK.complete,
        help="Write the words as spoken, or in English.",
    ),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt", metavar="TEXT", help="What the recording is about, or how it begins: names are spelt as here."
    ),
]
Keyterms = Annotated[
    str | None,
    typer.Option("--keyterms", metavar="TERMS", help="Words likely to be said: 'one, two', or @FILE with a line each."),
]
Silence = Annotated[
    str | None,
    typer.Option("--silence", metavar="SECONDS", help="Seconds of silence that end an utterance, 0.1 to 10."),
]
MaxSegment = Annotated[
    str | None,
    typer.Option("--max-segment", metavar="SECONDS", help="Seconds that an utterance may last at most, 1 to 28."),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", envvar="AURICLE_DEVICE", help="Where the model runs: cpu, cuda or cuda:1."
    ),
]
ComputeType = Annotated[
    str | None,
    typer.Option(
        "--compute-type",
        metavar="NAME",
        envvar="AURICLE_COMPUTE_TYPE",
        help="Of its weights: int8, float16, float32 …",
    ),
]
BeamSize = Annotated[
    str | None,
    typer.Option(
        "--beam-size",
        metavar="NUMBER",
        envvar="AURICLE_BEAM_SIZE",
        help="Hypotheses that a final follows, 1 to 10.",
    ),
]
Threads = Annotated[
    str | None,
    typer.Option("--threads", metavar="NUMBER", envvar="AURICLE_THREADS", help="Decodes at once on processors."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, to standard error.")]
Realtime = Annotated[bool, typer.Option("--realtime", help="Send at the pace of speech, like a microphone.")]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Take the recordings in folders, and in those below.")
]
Speakers = Annotated[
    str | None,
    typer.Option("--speakers", metavar="NAME", help="Tell who speaks, in json: campplus, or an installed one."),
]
