"""The servers that are compared: how each is installed, started and spoken with, and what is said of that."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peers.clients import auricle, realtimestt, whisperlive, whisperlivekit, wyoming
from peers.environments import Requirements
from peers.sessions import Converse

Command = Callable[[Path, Path, int], list[str]]
"""Returns a command line, of the environment's interpreter, the model's folder and the port."""

OURS: Final = "ours"
TORCH: Final = "torch==2.13.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server with one set of settings."""

    title: str
    distribution: str
    command: Command
    converse: Converse
    settings: str
    """What is not as it is by default, or is worth to be known; a sentence or two."""
    ending: str
    """How the end of the audio is said, and what the bench takes for the answer."""
    requirements: Requirements | None = None
    """None: it is in this environment."""
    environment: str = ""
    """The name of its environment: servers that differ in settings share one."""


def _ours(python: Path, model: Path, port: int) -> list[str]:
    return [str(python), "-m", "auricle", "serve", "--port", str(port), "--engine", "whisper", "--model", str(model)]


def _whisperlive(*, batches: bool) -> Command:
    def command(python: Path, model: Path, port: int) -> list[str]:
        script = (
            "from whisper_live.server import TranscriptionServer\n"
            f"TranscriptionServer().run('127.0.0.1', port={port}, backend='faster_whisper', max_clients=64, "
            f"faster_whisper_custom_model_path={str(model)!r}, single_model=True, batch_enabled={batches})"
        )
        return [str(python), "-c", script]

    return command


def _whisperlivekit(*options: str) -> Command:
    def command(python: Path, model: Path, port: int) -> list[str]:
        return [
            str(python), "-m", "whisperlivekit.basic_server", "--host", "127.0.0.1", "--port", str(port),
            "--model_dir", str(model), "--language", "en", "--backend-policy", "localagreement",
            "--backend", "faster-whisper", "--pcm-input", "--log-level", "WARNING", *options,
        ]  # fmt: skip

    return command


def _realtimestt(python: Path, model: Path, port: int) -> list[str]:
    return [
        str(python), "-m", "example_fastapi_server.server", "--host", "127.0.0.1", "--port", str(port),
        "--model", str(model), "--realtime-model", str(model), "--device", "cpu", "--compute-type", "int8",
        "--language", "en", "--max-sessions", "64", "--max-active-speakers", "64", "--log-level", "WARNING",
    ]  # fmt: skip


def _wyoming(python: Path, model: Path, port: int) -> list[str]:
    return [
        str(python), "-m", "wyoming_faster_whisper", "--uri", f"tcp://127.0.0.1:{port}", "--model", str(model),
        "--data-dir", str(model.parent), "--language", "en", "--compute-type", "int8", "--local-files-only",
    ]  # fmt: skip


_WHISPERLIVE: Final = Requirements(
    whole=(
        "faster-whisper==1.2.0",
        TORCH,
        "websockets==15.0.1",
        "fastapi",
        "uvicorn",
        "python-multipart",
        "scipy",
        "soundfile",
        "librosa",
        "prometheus-client",
    ),
    bare=("whisper-live==0.10.0",),
)
_WHISPERLIVEKIT: Final = Requirements(whole=("whisperlivekit==0.2.26", TORCH))
_REALTIMESTT: Final = Requirements(
    whole=(
        "faster-whisper==1.2.1",
        TORCH,
        "torchaudio",
        "webrtcvad-wheels==2.0.14",
        "halo==0.0.31",
        "colorama==0.4.6",
        "scipy==1.17.1",
        "websockets==16.0",
        "websocket-client==1.9.0",
        "soundfile==0.13.1",
        "fastapi>=0.115,<1",
        "uvicorn[standard]>=0.30,<1",
        "silero-vad[onnx-cpu]>=6.2.1",
    ),
    bare=("realtimestt==1.1.2",),
)

SERVERS: Final[Mapping[str, Server]] = {
    OURS: Server(
        title="Auricle",
        distribution="auricle",
        command=_ours,
        converse=auricle.converse,
        settings="Everything as it is by default, with its own asyncio client.",
        ending="`end_input`, answered by `closed` with `complete`",
    ),
    "whisperlive": Server(
        title="WhisperLive",
        distribution="whisper-live",
        command=_whisperlive(batches=False),
        converse=whisperlive.converse,
        settings="One model for all, as its documentation says for more than one client; `max_clients` 64 instead of "
        "4; voice detection on; int8, which it chooses itself on a processor; its starter would set "
        "`OMP_NUM_THREADS` to 1, which was left to CTranslate2. Without PyAudio, OpenVINO and openai-whisper, "
        "which its server does not need.",
        ending="its client waits until its last segment has not changed for 15 s and then sends `END_OF_AUDIO`, on "
        "which the server closes",
        requirements=_WHISPERLIVE,
        environment="whisperlive",
    ),
    "whisperlive-batches": Server(
        title="WhisperLive, batching",
        distribution="whisper-live",
        command=_whisperlive(batches=True),
        converse=whisperlive.converse,
        settings="The same with `batch_enabled`, which it documents for many clients (greedy, batches of up to 16).",
        ending="as above",
        requirements=_WHISPERLIVE,
        environment="whisperlive",
    ),
    "whisperlivekit": Server(
        title="WhisperLiveKit",
        distribution="whisperlivekit",
        command=_whisperlivekit(),
        converse=whisperlivekit.converse,
        settings="`/asr` with `--pcm-input`, LocalAgreement on faster-whisper; voice detection on, as by default. Its "
        "other policy, SimulStreaming, needs weights in PyTorch's format. The type of the weights is its own "
        "choice.",
        ending="an empty frame, answered by `ready_to_stop`",
        requirements=_WHISPERLIVEKIT,
        environment="whisperlivekit",
    ),
    "whisperlivekit-coalesced": Server(
        title="WhisperLiveKit, coalescing",
        distribution="whisperlivekit",
        command=_whisperlivekit("--asr-coalesce-min-s", "1"),
        converse=whisperlivekit.converse,
        settings="The same with `--asr-coalesce-min-s 1`, which it documents for more sessions at the price of later "
        "updates.",
        ending="as above",
        requirements=_WHISPERLIVEKIT,
        environment="whisperlivekit",
    ),
    "realtimestt": Server(
        title="RealtimeSTT",
        distribution="realtimestt",
        command=_realtimestt,
        converse=realtimestt.converse,
        settings="Its multi-user server `example_fastapi_server`, the model in both of its lanes (one for the open "
        "text, one for finals), int8, `--max-sessions` and `--max-active-speakers` 64 instead of 4, "
        "everything else by default. Its `stt-server-production` takes no Whisper for live text. Without "
        "PyAudio, which its server does not need.",
        ending="`stop`; no message says that this was all, so the end is the last text before 5 s without any",
        requirements=_REALTIMESTT,
        environment="realtimestt",
    ),
    "wyoming": Server(
        title="wyoming-faster-whisper",
        distribution="wyoming-faster-whisper",
        command=_wyoming,
        converse=wyoming.converse,
        settings="int8; a beam of 5 and 4 threads, as by default. No text before the end of an utterance, and the "
        "client ends it: here 0.5 s after the last word, by the manifest, so by a detector that never errs.",
        ending="each utterance by `audio-stop`, answered by `transcript`",
        requirements=Requirements(whole=("wyoming-faster-whisper==3.8.1",)),
        environment="wyoming",
    ),
}
LEFT_OUT: Final[Mapping[str, str]] = {
    "speaches": "is not on PyPI, and its realtime endpoint shows no text before the end of an utterance",
    "vosk-server, sherpa-onnx, FunASR, moshi-server": "run other models, so their words say nothing of the server",
    "whisper-streaming (PyPI, 0.1.0)": "is a library whose input is a microphone or a file: it does not serve",
    "faster-whisper-server (PyPI, 0.0.3)": "transcribes whole files; the server that had this name is speaches now",
    "ufal/whisper_streaming, SimulStreaming": "are not on PyPI, and serve one client at a time",
}


def interpreter_of_ours() -> Path:
    """Return the interpreter that our server runs with."""
    return Path(sys.executable)
