"""Interleaved rounds in CPU time: what a noisy machine does to one of them it does to all."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time_ns

from workloads import Workload


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds of CPU for one operation, a value for each round."""

    workload: Workload
    rounds: tuple[float, ...]

    @property
    def least(self) -> float:
        """The round that was disturbed least."""
        return min(self.rounds)

    @property
    def typical(self) -> float:
        """The middle round."""
        return median(self.rounds)

    def ratio(self, base: "Measured") -> float:
        """How many times as dear as ``base``: the middle of the ratios of rounds that ran next to each other."""
        return median(ours / theirs for ours, theirs in zip(self.rounds, base.rounds, strict=True))


def measure(workloads: Sequence[Workload], rounds: int) -> list[Measured]:
    """Time every workload once a round. The first round warms up and is not counted."""
    times: list[list[float]] = [[] for _ in workloads]
    for _ in range(rounds + 1):
        for workload, taken in zip(workloads, times, strict=True):
            run = workload.prepare()
            gc.collect()  # a round pays for its own garbage, as a server does, and for nobody else's
            begin = process_time_ns()
            run()
            taken.append((process_time_ns() - begin) / 1_000 / workload.operations)
    return [Measured(workload, tuple(taken[1:])) for workload, taken in zip(workloads, times, strict=True)]
