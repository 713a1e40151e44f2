"""The options that several commands share: their names, their help, and the variables that may hold them."""

from enum import StrEnum
from typing import Annotated

import typer


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
Languages = Annotated[str | None, typer.Option("--languages", help="Detect the language among these, as in en,de,fr.")]
TaskOption = Annotated[Task, typer.Option("--task", help="Write the words as spoken, or in English.")]
Prompt = Annotated[
    str | None, typer.Option("--prompt", help="What the recording is about, or how it begins: names are spelt as here.")
]
Keyterms = Annotated[
    str | None, typer.Option("--keyterms", help="Words likely to be said: 'one, two', or @FILE with a line each.")
]
Silence = Annotated[
    float | None, typer.Option("--silence", min=0.1, max=10, help="Seconds of silence that end an utterance.")
]
MaxSegment = Annotated[
    float | None, typer.Option("--max-segment", min=1, max=28, help="Seconds that an utterance may last at most.")
]
Device = Annotated[
    str | None, typer.Option("--device", envvar="AURICLE_DEVICE", help="Where the model runs: cpu, cuda or cuda:1.")
]
ComputeType = Annotated[
    str | None,
    typer.Option("--compute-type", envvar="AURICLE_COMPUTE_TYPE", help="Of its weights: int8, float16, float32 …"),
]
BeamSize = Annotated[
    int | None,
    typer.Option("--beam-size", envvar="AURICLE_BEAM_SIZE", min=1, max=10, help="Hypotheses that a final follows."),
]
Threads = Annotated[
    int | None, typer.Option("--threads", envvar="AURICLE_THREADS", min=1, help="Decodes at once on processors.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, to standard error.")]
Realtime = Annotated[bool, typer.Option("--realtime", help="Send at the pace of speech, like a microphone.")]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Take the recordings in folders, and in those below.")
]
Speakers = Annotated[
    str | None, typer.Option("--speakers", help="Tell who speaks, in json: campplus, or an installed one.")
]
