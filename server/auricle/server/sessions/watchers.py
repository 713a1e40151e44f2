"""Several observers of the sessions of a server as one."""

from collections.abc import Sequence
from typing import TypeVar

from auricle.core import ServerEvent
from auricle.core.server import ServerSession
from auricle.engines.protocol import Result
from auricle.server.sessions.admission import RefusalReason
from auricle.server.sessions.observer import SessionObserver, SessionsObserver

Observer = TypeVar("Observer")


class SessionWatchers:
    """Those of one session (`SessionObserver`)."""

    def __init__(self, observers: Sequence[SessionObserver]) -> None:
        self._observers = tuple(observers)

    def one(self, kind: type[Observer]) -> Observer | None:
        """Return the one of a kind; None: it is not among them."""
        return next((observer for observer in self._observers if isinstance(observer, kind)), None)

    def model_chosen(self, model: str) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.model_chosen(model)

    def heard(self, event: ServerEvent, now: float) -> None:
        """Tell all of them. For every frame of every session."""
        for observer in self._observers:
            observer.heard(event, now)

    def told(self, result: Result, now: float) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.told(result, now)

    def failed(self, code: str) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.failed(code)

    def gone(self) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.gone()


class SessionsWatchers:
    """Those of all sessions (`SessionsObserver`)."""

    def __init__(self, observers: Sequence[SessionsObserver]) -> None:
        self._observers = tuple(observers)

    def session(self, session: ServerSession, *, in_process: bool) -> SessionWatchers:
        """Return an observer of each of them for a new session."""
        return SessionWatchers([each.session(session, in_process=in_process) for each in self._observers])

    def refused(self, reason: RefusalReason) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.refused(reason)
