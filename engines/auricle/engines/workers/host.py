"""What runs in a worker: one engine, and calls of it. It knows no session, no queue and no cluster."""

from dataclasses import replace
from importlib import metadata
from typing import Any, Final

from auricle.engines.compute import ComputeOptions
from auricle.engines.failures import call_failure_elsewhere, load_failure
from auricle.engines.isolation.factory import named_function
from auricle.engines.isolation.frames import FrameError
from auricle.engines.isolation.messages import LoadFailed, Ready, Reply
from auricle.engines.protocol import Engine, PartedEngine, WindowEngine
from auricle.engines.registry import load_engine, takes_compute_options
from auricle.engines.workers.payload import packed, unpacked_request

WHOLE: Final = 2**31
"""Bytes of a piece that holds any answer."""


class EngineHost:
    """Hosts the engine that ``create``, as ``module:name``, returns for ``arguments``."""

    def __init__(self, create: str, arguments: tuple[object, ...]) -> None:
        self._create = create
        self._arguments = arguments
        self._engine: WindowEngine | None = None

    def load(self) -> bytes:
        """Load the engine; return `Ready` or `LoadFailed`."""
        return _packed(self._load())

    def decode(self, *pieces: bytes) -> bytes:
        """Decode the windows of a request in pieces; return the `Reply`."""
        return _packed(self._decode(pieces))

    def ping(self) -> None:
        """Do nothing: that it is done is the answer."""

    def _load(self) -> Ready | LoadFailed:
        try:
            engine: Engine = named_function(self._create)(*self._arguments)
            engine.load(lambda stage, fraction: None)
            name = engine.info.name
            if not isinstance(engine, WindowEngine) or not isinstance(engine, PartedEngine):
                return LoadFailed(
                    message=f"The engine {name} cannot run on engine workers, for it does not decode windows alone: "
                    "use whisper."
                )
            self._engine = engine
            return Ready(info=engine.info, parts=engine.parts_description(), lanes=engine.lanes)
        except Exception as error:  # a third party's code
            return LoadFailed(message=load_failure(error))

    def _decode(self, pieces: tuple[bytes, ...]) -> Reply:
        try:
            request = unpacked_request(pieces)
        except FrameError as error:
            return Reply(number=0, error=f"The call could not be read: {error}")
        assert self._engine is not None, "a worker is called once it has said that it is ready"
        try:
            return Reply(number=request.number, transcripts=tuple(self._engine.decode(request.windows)))
        except Exception as error:
            return Reply(number=request.number, error=call_failure_elsewhere(error))


def registered(name: str, model: str | None, language: str | None, compute: dict[str, Any], threads: int) -> Engine:
    """Create the engine with a registered name; ``compute`` are the fields of `ComputeOptions`.

    It computes on ``threads`` processors, unless it has no say in that: a worker has no more to itself.
    """
    options = ComputeOptions(**compute)
    if takes_compute_options(name):
        options = replace(options, threads=threads)
    return load_engine(name, model, language, options)


def own_version() -> str:
    """Return the version of Auricle that is installed here."""
    return metadata.version("auricle")


def _packed(message: object) -> bytes:
    try:
        (whole,) = packed(message, WHOLE)
    except FrameError as error:
        (whole,) = packed(Reply(number=0, error=f"The engine returned something else: {error}"), WHOLE)
    return whole
