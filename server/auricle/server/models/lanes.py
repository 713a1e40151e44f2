"""Sharing the processors among several models.

A model's lanes are fixed when it is loaded. Each of those that a server begins with gets the same share of what there
is, and the first, which answers whoever names none, what is left over. One that is loaded later gets the share that it
would have had from the beginning, while the others keep theirs: until they are loaded again the processors are promised
more than once, and the system shares them out.
"""

from collections.abc import Sequence
from dataclasses import replace

from auricle.engines.compute import ComputeOptions
from auricle.engines.fallback import DEFAULT_ENGINE


def shares(total: int, models: int) -> Sequence[int]:
    """Return how many decodes at once each of so many models may run, at least 1 each, the first one's first."""
    each, left_over = divmod(total, models)
    return [max(1, each + (left_over if place == 0 and each else 0)) for place in range(models)]


def shared_compute(compute: ComputeOptions, engine: str | None, share: int, *, alone: bool) -> ComputeOptions:
    """Return the options of one model with its share.

    Those of a model that is alone stay as they are, and so do those of an engine that cannot be told, as only the
    default one is known to be able to.
    """
    if alone or (engine not in (None, DEFAULT_ENGINE) and compute.threads is None):
        return compute
    return replace(compute, threads=share)
