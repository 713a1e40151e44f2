"""What the holders of a key are doing, and have done: concurrent sessions, requests, and a day's audio in samples."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from auricle.server.keys.api_key import ApiKey

SESSIONS_RETRY_S: Final = 5.0
"""Retry delay for those who have as many sessions as they may have: nobody knows when one of theirs ends."""
DAY: Final = timedelta(days=1)


class Excess(NamedTuple):
    """A limit of a key that is reached."""

    limit: Literal["sessions", "requests", "audio"]
    why: str
    """A clause for people."""
    retry_after_s: float


class Usage:
    """What is done with one key. ``now`` is seconds of a monotonic clock, ``at`` the time of day."""

    def __init__(self) -> None:
        self.sessions = 0
        """Open sessions."""
        self._tokens: float | None = None
        """Requests that may be made at once; None: as many as the limit says."""
        self._filled_at = 0.0
        self._day: date | None = None
        self._samples: Counter[int] = Counter()
        """Samples of this day, by their rate: sums of seconds would drift."""
        self._unkept: Counter[int] = Counter()
        """Those of them that are in no file yet."""

    def take_request(self, key: ApiKey, now: float) -> Excess | None:
        """Count a request, or return why there may be none just now: a token bucket of a minute's requests."""
        limit = key.requests_per_minute
        if limit is None:
            return None
        left = min(
            float(limit), (limit if self._tokens is None else self._tokens) + (now - self._filled_at) * limit / 60
        )
        self._filled_at = now
        if left < 1.0:
            self._tokens = left
            wait_s = (1.0 - left) * 60 / limit
            return Excess("requests", f"this key may begin {limit} requests a minute", wait_s)
        self._tokens = left - 1.0
        return None

    def no_session(self, key: ApiKey, at: datetime) -> Excess | None:
        """Return why there may be no further session now, or None where there may be one."""
        if key.sessions is not None and self.sessions >= key.sessions:
            return Excess("sessions", f"this key has {key.sessions} sessions already", SESSIONS_RETRY_S)
        return self.no_audio(key, at)

    def no_audio(self, key: ApiKey, at: datetime) -> Excess | None:
        """Return why there may be no more audio today, or None where there may."""
        left_s = self.audio_left_s(key, at)
        if left_s is None or left_s > 0:
            return None
        minutes = f"{key.audio_minutes_per_day:g} minutes"
        return Excess("audio", f"this key has had its {minutes} of audio today", _until_tomorrow_s(at))

    def audio_left_s(self, key: ApiKey, at: datetime) -> float | None:
        """Return how many seconds of audio are left of the day, at least 0; None where there is no limit."""
        if key.audio_minutes_per_day is None:
            return None
        self._begin_day(at)
        return max(0.0, key.audio_minutes_per_day * 60 - self.audio_s)

    def add_audio(self, samples: int, rate: int, at: datetime) -> None:
        """Count audio that has come."""
        self._begin_day(at)
        self._samples[rate] += samples
        self._unkept[rate] += samples

    def take_unkept(self, at: datetime) -> dict[int, int]:
        """Return the samples of this day, by their rate, that have not been taken yet."""
        self._begin_day(at)
        taken = dict(self._unkept)
        self._unkept.clear()
        return taken

    def untake(self, samples: Mapping[int, int], day: date) -> None:
        """Have samples of a day taken again later."""
        if day == self._day:
            self._unkept.update(samples)

    def use_total(self, samples: Mapping[int, int], day: date, at: datetime) -> None:
        """Count what has been taken on a day, here and elsewhere, and what has not been taken yet."""
        self._begin_day(at)
        if day == self._day:
            self._samples = Counter(samples) + self._unkept

    @property
    def audio_s(self) -> float:
        """Seconds of audio that were counted on the last day on which any was."""
        return sum(samples / rate for rate, samples in self._samples.items())

    def _begin_day(self, at: datetime) -> None:
        today = at.astimezone(UTC).date()
        if self._day is None or today > self._day:
            self._day = today
            self._samples.clear()
            self._unkept.clear()


def _until_tomorrow_s(at: datetime) -> float:
    utc = at.astimezone(UTC)
    tomorrow = datetime.combine(utc.date() + DAY, datetime.min.time(), UTC)
    return (tomorrow - utc).total_seconds()
