"""Watching a session: every call of a verb that changes it, with what went in and what came out.

A verb that changes a session is a public method that takes ``now``; nothing else does (see `Session`). So a verb that
is new is recorded without anybody having thought of it. A session that nobody watches has nothing added to it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from auricle.core.session import Session
from auricle.core.snapshot import Snapshot


class VerbCall(NamedTuple):
    """One call of a verb. The core changes nothing of it any more: it may be kept, and written down later."""

    verb: str
    now: float
    arguments: Mapping[str, object]
    before: Snapshot
    after: Snapshot
    outputs: tuple[Any, ...]
    """What the verb returned; an empty tuple where it raised."""
    raised: BaseException | None


Observer = Callable[[VerbCall], None]
"""Gets every call once it is over, also one that raised."""


def watch(session: Session, observe: Observer) -> None:
    """Tell ``observe`` of every call from now on. Calls of one verb by another are part of the outer one."""
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
