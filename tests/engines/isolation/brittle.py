"""An engine that breaks in every way native code can, when the prompt of a window says so. It runs in the child."""

import ctypes
import os
import pickle
import signal
import sys
import threading
from pathlib import Path

from auricle.engines.isolation.frames import LENGTHS
from auricle.engines.plain_data import from_plain
from auricle.engines.protocol import EngineUnavailable, Lanes
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import COUNTING, Script

CHANNEL = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdecimal() else -1
"""In the child: the descriptor of the connection to its parent."""


class BrittleEngine(ScriptedWindowEngine):
    """``once``: a file that the first to break removes, so that whoever comes after lives."""

    def __init__(self, script: Script = COUNTING, once: str | None = None) -> None:
        super().__init__(script)
        self._once = None if once is None else Path(once)

    @property
    def lanes(self) -> Lanes:
        return Lanes(count=4, batch=4)

    def decode(self, windows):
        for window in windows:
            if window.config.prompt:
                self._break(window.config.prompt)
        return super().decode(windows)

    def _break(self, how: str) -> None:
        if self._once is not None:
            if not self._once.exists():
                return
            self._once.unlink()
        match how:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(3)
            case "segfault":
                ctypes.string_at(0)
            case "garbage":
                os.write(CHANNEL, os.urandom(256))
                threading.Event().wait()
            case "pickle":
                os.write(CHANNEL, pickle.dumps(self.script))
                threading.Event().wait()
            case "half":
                os.write(CHANNEL, LENGTHS.pack(100, 0) + b"{")
                os._exit(0)
            case "hang":
                threading.Event().wait()
            case "bug":
                raise ZeroDivisionError("no")


def brittle(once: str | None = None) -> BrittleEngine:
    return BrittleEngine(once=once)


def window_counting(script=None) -> ScriptedWindowEngine:
    """``script`` is in plain form, as all arguments are."""
    return ScriptedWindowEngine(COUNTING if script is None else from_plain(Script, script))


def counting(script=None) -> ScriptedEngine:
    return ScriptedEngine(COUNTING if script is None else from_plain(Script, script))


def dies_loading() -> ScriptedEngine:
    os._exit(1)


def refuses() -> ScriptedEngine:
    raise EngineUnavailable("There is no model on this machine.")


def cannot_be_made() -> ScriptedEngine:
    raise ZeroDivisionError("no")


class Together:
    """Has no session_parts."""

    info = ScriptedEngine(COUNTING).info

    def load(self, progress):
        pass

    def voice_detector(self, config):
        raise NotImplementedError

    def close(self):
        pass


def loads_once(marker: str) -> BrittleEngine:
    """The first to be made removes the marker; whoever comes after dies."""
    if not Path(marker).exists():
        os._exit(1)
    Path(marker).unlink()
    return BrittleEngine()


def loads_while(gate: str) -> BrittleEngine:
    """Loads as soon as there is the file ``gate``."""
    while not Path(gate).exists():
        threading.Event().wait(0.005)
    return BrittleEngine()
