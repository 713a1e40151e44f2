"""The values that labels may have. All of them are known beforehand, so that no client can make the metrics grow."""

from collections.abc import Callable, Collection
from typing import Final, get_args

from auricle.core.dialect import V1, Dialect
from auricle.core.errors import ERROR_CODES
from auricle.core.events import Ending
from auricle.core.parts import FinalReason
from auricle.core.states import State
from auricle.engines.policy.events import Urgency
from auricle.engines.supervised import WorkerState
from auricle.server.sessions.admission import RefusalReason
from auricle.server.sessions.session_log import DIALECT_NAMES, dialect_name

OTHER: Final = "other"
"""What stands for a value that is not known."""

POSTED: Final = "http"
"""The dialect of a recording that was posted, whatever the form of its answer."""
DIALECTS: Final = (*DIALECT_NAMES.values(), POSTED)
STATES: Final = tuple(state.value for state in State)
WORKER_STATES: Final[tuple[WorkerState, ...]] = get_args(WorkerState)
ENDINGS: Final[tuple[str, ...]] = get_args(Ending)
ERRORS: Final = tuple(ERROR_CODES)
REFUSALS: Final[tuple[str, ...]] = get_args(RefusalReason)
FINAL_REASONS: Final[tuple[str, ...]] = get_args(FinalReason)
RESUME_OUTCOMES: Final = ("resumed", "session_gone", "bad_token")
URGENCIES: Final = tuple(urgency.name.lower() for urgency in Urgency)
KINDS: Final = ("final", "partial", "turn")
"""Of calls: a turn is that of a stateful engine, which decodes finals and partials in it."""
MOST_MODELS: Final = 16
"""Models that have a label of their own in the life of a server."""


def one_of(value: str | None, known: Collection[str]) -> str:
    """Return ``value`` where it is known, and `OTHER` where it is not."""
    return value if value is not None and value in known else OTHER


def dialect_label(dialect: Dialect, *, in_process: bool) -> str:
    """Return the label of a session by the dialect that it speaks."""
    if in_process and isinstance(dialect, V1):
        return POSTED
    return one_of(dialect_name(dialect), DIALECTS)


class ModelLabels:
    """The names of models that have been seen: the first `MOST_MODELS` are labels, and the others are `OTHER`.

    ``on_new`` is called with each new label.
    """

    def __init__(self, on_new: Callable[[str], None] = lambda label: None) -> None:
        self._known: set[str] = set()
        self._on_new = on_new

    def __call__(self, name: str) -> str:
        """Return the label for a model."""
        if name not in self._known and len(self._known) < MOST_MODELS:
            self._known.add(name)
            self._on_new(name)
        return name if name in self._known else OTHER
