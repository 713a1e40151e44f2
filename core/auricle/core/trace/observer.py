"""Observing a session: every call of a method that changes it, with its arguments, outputs and snapshots.

The methods that change a session are its public methods with a parameter ``now`` (see `Session`), so new methods are
observed without further code. A session that is not observed has no overhead.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from auricle.core.session import Session
from auricle.core.snapshot import Snapshot


class VerbCall(NamedTuple):
    """One call of a method. Its values are immutable and may be stored."""

    verb: str
    now: float
    arguments: Mapping[str, object]
    before: Snapshot
    after: Snapshot
    outputs: tuple[Any, ...]
    """What the verb returned; an empty tuple where it raised."""
    raised: BaseException | None


Observer = Callable[[VerbCall], None]
"""Called with every call after it has ended, also one that raised."""


def watch(session: Session, observe: Observer) -> None:
    """Call ``observe`` with every call from now on. Calls of one method by another are part of the outer call."""
    watch = _Watch(session, observe)
    for verb in verbs(type(session)):
        setattr(session, verb, watch.over(verb))


def verbs(kind: type[Session]) -> frozenset[str]:
    """Return the names of the methods that change a session of this kind."""
    public = (name for name in dir(kind) if not name.startswith("_"))
    return frozenset(name for name in public if "now" in _parameters(getattr(kind, name)))


def named_arguments(
    function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, Any]:
    """Return the arguments of a call of a method, each under its parameter's name."""
    return dict(zip(_parameters(function)[1:], args, strict=False)) | dict(kwargs)


def _parameters(function: object) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


class _Watch:
    def __init__(self, session: Session, observe: Observer) -> None:
        self._session = session
        self._observe = observe
        self._busy = False

    def over(self, verb: str) -> Callable[..., tuple[Any, ...]]:
        method: Callable[..., tuple[Any, ...]] = getattr(self._session, verb)

        def watched(*args: object, **kwargs: object) -> tuple[Any, ...]:
            if self._busy:
                return method(*args, **kwargs)
            arguments = named_arguments(method, args, kwargs)
            now, before = arguments.pop("now", 0.0), self._session.snapshot
            outputs: tuple[Any, ...] = ()
            raised: BaseException | None = None
            self._busy = True
            try:
                outputs = method(*args, **kwargs)
            except BaseException as error:
                raised = error
                raise
            finally:
                self._busy = False
                self._observe(VerbCall(verb, now, arguments, before, self._session.snapshot, outputs, raised))
            return outputs

        return watched
