"""Who may do what on one server: presented keys and tokens become grants, and grants are held to their limits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from auricle.server.keys.api_key import ApiKey, Keyring
from auricle.server.keys.day_audio import DayAudio
from auricle.server.keys.scopes import Scope
from auricle.server.keys.session_tokens import DEFAULT_TTL_S, MARK, TokenSigner
from auricle.server.keys.usage import Excess, Usage


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Why a request is not served."""

    status: HTTPStatus
    code: str
    """A key of `ERROR_CODES`."""
    message: str
    """One sentence, without the key."""
    retry_after_s: float | None = None
    key_name: str | None = None
    """Whose key it was, for the log; None where it was nobody's."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request was let in with. ``key`` None: the server has no keys, and everybody may."""

    key: ApiKey | None = None
    by_token: bool = False

    @property
    def name(self) -> str | None:
        """The name of the key."""
        return None if self.key is None else self.key.name


EVERYBODY: Final = Grant()


class Access:
    """The keys of one server and what is done with them. ``keyring`` None: there are none, and everybody may all.

    ``clock`` returns the time of day.
    """

    def __init__(
        self,
        keyring: Keyring | None = None,
        signer: TokenSigner | None = None,
        *,
        token_ttl_s: float = DEFAULT_TTL_S,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._keyring = keyring
        self._signer = signer or TokenSigner()
        self._token_ttl_s = token_ttl_s
        self._clock = clock
        self._usage: dict[str, Usage] = {}
        self.on_denied: Callable[[Denied], None] = lambda denied: None
        """Called with every denial, for those who watch."""

    @property
    def has_keys(self) -> bool:
        """Whether the server asks for keys."""
        return self._keyring is not None

    def authorise(self, presented: str | None, scope: Scope, now: float) -> Grant | Denied:
        """Return the grant of a key or a token that a client presents, or why it has none; count the request."""
        granted = self._judged(presented, scope, now)
        if isinstance(granted, Denied):
            self.on_denied(granted)
        return granted

    def _judged(self, presented: str | None, scope: Scope, now: float) -> Grant | Denied:
        if self._keyring is None:
            return EVERYBODY
        if presented is None:
            return _unauthorised("This server wants an API key.")
        by_token = presented.startswith(MARK)
        key = self._by_token(presented) if by_token else self._keyring.find(presented)
        if key is None:
            what = "session token is not valid, or over" if by_token else "API key is not valid"
            return _unauthorised(f"This {what}.")
        if key.has_expired(self._clock()):
            return _unauthorised("This API key has expired.", key.name)
        if scope not in key.scopes or (by_token and scope is not Scope.TRANSCRIBE):
            return Denied(
                status=HTTPStatus.FORBIDDEN,
                code="forbidden",
                message=f"This API key is not for the scope {scope.value}.",
                key_name=key.name,
            )
        excess = self._of(key).take_request(key, now) if scope is Scope.TRANSCRIBE else None
        return Grant(key, by_token) if excess is None else _too_much(excess, key.name)

    def token(self, grant: Grant) -> tuple[str, datetime] | None:
        """Return a session token and when it ends; None where the server has no keys, and none is needed."""
        return None if grant.key is None else self._signer.make(grant.key.prefix, self._clock(), self._token_ttl_s)

    # ------------------------------------------------------------------------ sessions

    def no_session(self, grant: Grant) -> Excess | None:
        """Return why there may be no further session with this key now, or None."""
        key = self.current(grant)
        return None if key is None else self._of(key).no_session(key, self._clock())

    def too_many(self, grant: Grant) -> Denied | None:
        """Return the same as an answer to a request."""
        excess = self.no_session(grant)
        if excess is None:
            return None
        denied = _too_much(excess, grant.name)
        self.on_denied(denied)
        return denied

    @contextmanager
    def holding(self, grant: Grant) -> Iterator[None]:
        """Count a session as open for the length of the block."""
        usage = None if grant.key is None else self._of(grant.key)
        if usage is not None:
            usage.sessions += 1
        try:
            yield
        finally:
            if usage is not None:
                usage.sessions -= 1

    def add_audio(self, grant: Grant, samples: int, rate: int) -> Excess | None:
        """Count audio of a session; return why there may be no more today, or None."""
        key = self.current(grant)
        if key is None:
            return None
        usage, at = self._of(key), self._clock()
        usage.add_audio(samples, rate, at)
        return usage.no_audio(key, at)

    def told_limits(self, grant: Grant) -> dict[str, object]:
        """Return the limits of a key, for ``ready.limits``."""
        key = self.current(grant)
        if key is None:
            return {}
        limits = {
            "key_sessions": key.sessions,
            "key_requests_per_minute": key.requests_per_minute,
            "key_audio_minutes_per_day": key.audio_minutes_per_day,
            "key_audio_left_s": self._of(key).audio_left_s(key, self._clock()),
        }
        return {name: limit for name, limit in limits.items() if limit is not None}

    def current(self, grant: Grant) -> ApiKey | None:
        """Return the key of a grant as it is now, with limits that have changed; its old self where it is gone."""
        if grant.key is None or self._keyring is None:
            return None
        return self._keyring.by_prefix(grant.key.prefix) or grant.key

    def why_over(self, grant: Grant) -> str | None:
        """Return why a grant is good no longer, as a clause: its key has been revoked, or has expired; or None."""
        if grant.key is None or self._keyring is None:
            return None
        key = self._keyring.by_prefix(grant.key.prefix)
        if key is None:
            return "its API key has been revoked"
        return "its API key has expired" if key.has_expired(self._clock()) else None

    def use(self, keyring: Keyring) -> None:
        """Use other keys from now on. What was counted stays, for the keys that stay."""
        self._keyring = keyring
        self._usage = {
            prefix: usage for prefix, usage in self._usage.items() if usage.sessions or keyring.by_prefix(prefix)
        }

    # ------------------------------------------------------------------------ what is kept

    def take_unkept(self) -> DayAudio:
        """Return the audio of today that has not been taken yet."""
        at = self._clock()
        taken = {prefix: usage.take_unkept(at) for prefix, usage in self._usage.items()}
        return DayAudio(
            day=at.astimezone(UTC).date(), samples={prefix: samples for prefix, samples in taken.items() if samples}
        )

    def untake(self, counted: DayAudio) -> None:
        """Have audio taken again later, because it could not be kept."""
        for prefix, samples in counted.samples.items():
            if prefix in self._usage:
                self._usage[prefix].untake(samples, counted.day)

    def use_total(self, total: DayAudio) -> None:
        """Count the audio that keys have had on a day, here and on other servers, besides what is not taken yet."""
        at = self._clock()
        for prefix, samples in total.samples.items():
            if self._keyring is not None and self._keyring.by_prefix(prefix) is not None:
                self._usage.setdefault(prefix, Usage()).use_total(samples, total.day, at)

    def _by_token(self, presented: str) -> ApiKey | None:
        token = self._signer.read(presented)
        if token is None or self._clock() >= token.expires or self._keyring is None:
            return None
        return self._keyring.by_prefix(token.prefix)

    def _of(self, key: ApiKey) -> Usage:
        return self._usage.setdefault(key.prefix, Usage())


def _unauthorised(message: str, key_name: str | None = None) -> Denied:
    return Denied(status=HTTPStatus.UNAUTHORIZED, code="unauthorized", message=message, key_name=key_name)


def _too_much(excess: Excess, key_name: str | None) -> Denied:
    return Denied(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        code="rate_limited" if excess.limit == "requests" else "capacity",
        message=f"{excess.why[0].upper()}{excess.why[1:]}.",
        retry_after_s=excess.retry_after_s,
        key_name=key_name,
    )
