"""What packages register by name, ours and anybody's: the entry points of a group."""

from importlib.metadata import EntryPoint, entry_points


def names(group: str) -> tuple[str, ...]:
    """Return the names that are installed, sorted. Whether one can be used is known only after loading it."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def find(group: str, name: str) -> EntryPoint | None:
    """Return what has a name, always the same where several packages have it; None: there is no such one."""
    return min(entry_points(group=group, name=name), key=lambda entry: entry.value, default=None)


def why_unusable(error: Exception) -> str:
    """Return a clause: why it cannot be used. It is third-party code, which may raise anything, also when imported."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
