"""``auricle doctor`` and ``auricle devices``: what works on this machine, and what would keep Auricle from working."""

import os
import platform
import shutil
import socket
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from typing import Final, NamedTuple

import ctranslate2

from auricle.engines.protocol import EngineError
from auricle.engines.registry import load_engine
from auricle.engines.whisper.models.resolution import default_model
from auricle.engines.whisper.models.verified_files import cache_folder
from auricle.server.app import DEFAULT_PORT
from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.extras import how_to_install
from auricle.server.cli.local_models import Place, known_models
from auricle.server.cli.microphone import MicrophoneError, microphone_names
from auricle.server.printable import printable

LIBRARIES: Final = ("numpy", "soundfile", "soxr", "av", "onnxruntime", "ctranslate2", "faster_whisper", "trio")
LOW_SPACE: Final = 2 * 10**9
"""Bytes of free space below which a large model may not fit."""


class Finding(NamedTuple):
    """What was looked at, what was found, and what to do about it: empty where nothing has to be done."""

    title: str
    found: str
    remedy: str = ""
    fatal: bool = False
    """Whether Auricle does not work without the remedy."""


async def doctor(_: None) -> Exit:
    """Print the findings; `Exit.INCOMPLETE` where one is fatal."""
    result = Exit.GOOD
    for finding in findings():
        mark = "FAIL" if finding.fatal else "warn" if finding.remedy else "ok"
        rest = f": {finding.remedy}" if finding.remedy else ""
        print(f"{mark:5} {finding.title:12} {printable(finding.found)}{printable(rest)}", flush=True)
        result = Exit.INCOMPLETE if finding.fatal else result
    return result


def print_devices() -> None:
    """Print the microphones, and what models can run on."""
    for finding in (_microphones(), _processors(), _gpus()):
        rest = f": {finding.remedy}" if finding.remedy else ""
        print(f"{finding.title:12} {printable(finding.found)}{printable(rest)}")


def findings() -> Iterator[Finding]:
    """Yield the findings, the ones that others depend on first."""
    checks: tuple[Callable[[], Finding], ...] = (
        _versions, _libraries, _engine, _model, _processors, _gpus, _disk, _port, _microphones,
    )  # fmt: skip
    for check in checks:
        yield check()


def _versions() -> Finding:
    return Finding("version", f"auricle {metadata.version('auricle')}, Python {platform.python_version()}")


def _libraries() -> Finding:
    missing = []
    for name in LIBRARIES:
        try:
            import_module(name)
        except (ImportError, OSError) as error:
            missing.append(f"{name} ({str(error).splitlines()[0]})")
    if missing:
        return Finding("libraries", ", ".join(missing), how_to_install("server"), fatal=True)
    return Finding("libraries", ", ".join(f"{name} {_version(name)}" for name in LIBRARIES))


def _version(module: str) -> str:
    return metadata.version(module.replace("_", "-"))


def _engine() -> Finding:
    """Load the smallest model that is here: it needs what every model needs."""
    name = _model_to_try()
    if name is None:
        return Finding("engine", "whisper, with no model here to try it on")
    try:
        engine = load_engine("whisper", name)
        engine.load(lambda *_: None)
        engine.close()
    except EngineError as error:
        return Finding("engine", str(error), how_to_install("server"), fatal=True)
    return Finding("engine", f"whisper loads {name}")


def _model_to_try() -> str | None:
    here = [model for model in known_models() if model.place is not Place.ABSENT]
    return min(here, key=lambda model: model.size_bytes or 0).name if here else None


def _model() -> Finding:
    name = default_model(None)
    here = [model.name for model in known_models() if model.place in (Place.INSTALLED, Place.DOWNLOADED)]
    if name in here:
        return Finding("model", f"{name} answers where none is named; here are {', '.join(here)}")
    return Finding(
        "model",
        f"{name} would answer where none is named, and is not here",
        f"run `auricle models pull {name}`, or {how_to_install('tiny-en')}",
    )


def _processors() -> Finding:
    count = len(os.sched_getaffinity(0))
    types = ", ".join(sorted(ctranslate2.get_supported_compute_types("cpu")))
    return Finding("processor", f"{count} processors, with {types}")


def _gpus() -> Finding:
    count = ctranslate2.get_cuda_device_count()
    if not count:
        return Finding("gpu", "none that CTranslate2 can use; models run on the processor")
    types = ", ".join(sorted(ctranslate2.get_supported_compute_types("cuda")))
    return Finding("gpu", f"{count} with CUDA, with {types}")


def _disk() -> Finding:
    folder = cache_folder()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(nearest, os.W_OK):
        return Finding("cache", f"{folder} cannot be written", "let XDG_CACHE_HOME name a folder that can")
    free = shutil.disk_usage(nearest).free
    remedy = "make room, or take a small model" if free < LOW_SPACE else ""
    return Finding("cache", f"{folder}, {free / 10**9:.1f} GB free", remedy)


def _port() -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError as error:
            why = (error.strerror or "it is taken").lower()
            return Finding("port", f"{DEFAULT_PORT}: {why}", "give `auricle serve --port` another one")
    return Finding("port", f"{DEFAULT_PORT} is free for `auricle serve`")


def _microphones() -> Finding:
    try:
        names = microphone_names()
    except MicrophoneError as error:
        problem, _, remedy = str(error).rstrip(".").partition(": ")
        return Finding("microphone", problem, remedy)
    if not names:
        return Finding("microphone", "none that PortAudio can see", "plug one in for `auricle listen`")
    return Finding("microphone", ", ".join(names))
