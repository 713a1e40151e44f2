"""How an engine computes: the options of whoever runs it, as opposed to those of a session."""

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeOptions:
    """Where and how an engine computes. None leaves a choice to the engine; an engine may know none of them.

    Raises `ValueError` for numbers out of range.
    """

    device: str | None = None
    """``cpu`` or ``cuda``; with a number behind a colon where there are several."""
    compute_type: str | None = None
    """Type of the weights in memory, as in ``int8``, ``float16`` or ``float32``."""
    beam_size: int | None = None
    """Hypotheses that the decode of a final follows side by side, 1 to 10; 1 is greedy search."""
    threads: int | None = None
    """Decodes that may run at once on processors, at least 1."""

    def __post_init__(self) -> None:
        if self.beam_size is not None and not 1 <= self.beam_size <= 10:
            raise ValueError(f"A beam size is 1 to 10, not {self.beam_size}.")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"There must be at least one thread, not {self.threads}.")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the options that are given."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)


ENGINE_DEFAULTS: Final = ComputeOptions()
