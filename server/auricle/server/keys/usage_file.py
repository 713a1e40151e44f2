"""The file of a day's audio: what keys have had today, for the next start, and for all servers that name the file.

Each server adds what it has counted since the last time, under a lock, and learns what all of them have. A file of an
earlier day begins anew; one that is something else is never written over.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any, Final

from auricle.server.durable_file import why
from auricle.server.keys.day_audio import DayAudio
from auricle.server.keys.replaced_file import locked, replace

VERSION: Final = 1
MOST_BYTES: Final = 16 * 2**20


class UsageFileError(Exception):
    """The file of a day's audio cannot be used. The message is one sentence."""


class UsageFile:
    """By its path. Its methods wait for the disk."""

    def __init__(self, path: str) -> None:
        self.path: Final = path

    def add(self, counted: DayAudio) -> DayAudio:
        """Add what has been counted, and return the audio of that day; or of a later one, which then stays as it is.

        Raises `UsageFileError`, and then nothing has been added.
        """
        target = Path(os.path.realpath(self.path))
        try:
            with locked(target.parent):
                before = self._read(target)
                if before is not None and before.day > counted.day:
                    return before  # midnight, or a clock that is behind: that day is over for somebody
                has_day = before is not None and before.day == counted.day
                after = before + counted if before is not None and has_day else counted
                if counted.samples or not has_day:
                    replace(target, _written(after))
                return after
        except OSError as error:
            raise UsageFileError(f"Cannot keep the audio of keys in {self.path}: {why(error)}.") from None

    def of(self, day: date) -> DayAudio:
        """Return what has been kept of a day, without waiting for anybody. Raises `UsageFileError`."""
        try:
            kept = self._read(Path(self.path))
        except OSError as error:
            raise UsageFileError(f"Cannot read the audio of keys in {self.path}: {why(error)}.") from None
        return kept if kept is not None and kept.day == day else DayAudio(day=day, samples={})

    def _read(self, target: Path) -> DayAudio | None:
        """Return what is in the file; None where there is none."""
        try:
            with target.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        wrong = f"{self.path} is no file of usage, and is left as it is: name another one."
        if len(data) > MOST_BYTES:
            raise UsageFileError(wrong)
        try:
            body = json.loads(data)
            version, day, keys = body["auricle_usage"], body["day"], body["keys"]
            if version != VERSION:
                raise UsageFileError(f"{self.path} is of version {version!r}, and this program knows {VERSION}.")
            samples = {str(prefix): _rates(rates) for prefix, rates in keys.items()}
            return DayAudio(day=date.fromisoformat(day), samples=samples)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UsageFileError(wrong) from None


def _rates(rates: Any) -> dict[int, int]:
    read = {int(rate): samples for rate, samples in rates.items()}
    if any(type(samples) is not int or samples < 0 or rate < 1 for rate, samples in read.items()):
        raise ValueError("samples are counts")
    return read


def _written(audio: DayAudio) -> str:
    keys = {prefix: {str(rate): samples for rate, samples in rates.items()} for prefix, rates in audio.samples.items()}
    return json.dumps({"auricle_usage": VERSION, "day": audio.day.isoformat(), "keys": keys}, indent=2) + "\n"
