"""Speech recognition engines, and the actor that shares one engine among many sessions.

`EngineActor` and `engine_loader` are for servers, `auricle.engines.protocol` for authors of engines, `Recogniser` for
programs without an event loop.
"""

from auricle.engines.actor import EngineActor
from auricle.engines.fallback import engine_loader
from auricle.engines.loading import EngineLoader, Loaded, LoadStage
from auricle.engines.protocol import (
    Engine,
    EngineError,
    EngineInfo,
    EngineUnavailable,
    FinalResult,
    FlushDone,
    PartialResult,
    Processed,
    Result,
    SpeechEnded,
    SpeechStarted,
    StreamConfig,
    StreamDone,
    UtteranceFailed,
)
from auricle.engines.registry import available, load_engine
from auricle.engines.session.engine_session import EngineSession
from auricle.engines.session.recogniser import Recogniser

__all__ = [
    "Engine",
    "EngineActor",
    "EngineError",
    "EngineInfo",
    "EngineLoader",
    "EngineSession",
    "EngineUnavailable",
    "FinalResult",
    "FlushDone",
    "LoadStage",
    "Loaded",
    "PartialResult",
    "Processed",
    "Recogniser",
    "Result",
    "SpeechEnded",
    "SpeechStarted",
    "StreamConfig",
    "StreamDone",
    "UtteranceFailed",
    "available",
    "engine_loader",
    "load_engine",
]
