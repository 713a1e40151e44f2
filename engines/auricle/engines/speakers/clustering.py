"""Which voices are one person's: agglomerative clustering with average linkage. Pure.

The two groups that are most alike are joined as long as the mean cosine of their members reaches a threshold. A group
is its weighted sum and its weight, so that the mean cosine of two is one product; groups of one part of a recording are
joined with those of the next without their members, and an hour takes little more memory than a minute.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.engines.speakers.protocol import Embedding

CERTAIN_S: Final = 1.0
"""Shorter stretches found no group; they join the one that they are most like."""
SHORTEST_VOICE_S: Final = 2.5
"""Who speaks for less than that in a whole recording is taken for one of the others."""
BATCH: Final = 400
"""Stretches that are joined among themselves before they meet the others."""


class _Groups(NamedTuple):
    sums: NDArray[np.float32]
    weights: NDArray[np.float32]
    members: list[list[int]]


def cluster(embeddings: Sequence[Embedding], seconds: Sequence[float], *, threshold: float) -> Sequence[int]:
    """Return a number for each embedding, equal for those of one voice, counted from 0 as they first appear."""
    if not embeddings:
        return []
    vectors, lengths = np.stack(embeddings), np.asarray(seconds, dtype=np.float32)
    certain = [index for index, length in enumerate(lengths) if length >= CERTAIN_S] or [int(np.argmax(lengths))]
    groups = _Groups(np.zeros((0, vectors.shape[1]), np.float32), np.zeros(0, np.float32), [])
    for at in range(0, len(certain), BATCH):
        batch = certain[at : at + BATCH]
        groups = _joined(
            _Groups(
                np.concatenate([groups.sums, vectors[batch] * lengths[batch, np.newaxis]]),
                np.concatenate([groups.weights, lengths[batch]]),
                [*groups.members, *([index] for index in batch)],
            ),
            threshold,
        )
    return _numbered(vectors, _centres(groups), groups)


def _joined(groups: _Groups, threshold: float) -> _Groups:
    """Join groups until no two are alike enough."""
    sums, weights, members = groups.sums.copy(), groups.weights.copy(), [list(group) for group in groups.members]
    alike = _mean_cosines(sums, weights)
    np.fill_diagonal(alike, -np.inf)
    alive = np.ones(len(members), dtype=bool)
    while alive.sum() > 1:
        one, other = divmod(int(np.argmax(alike)), len(members))
        if alike[one, other] < threshold:
            break
        sums[one] += sums[other]
        weights[one] += weights[other]
        members[one] += members[other]
        alive[other] = False
        alike[other, :] = alike[:, other] = -np.inf
        row = (sums @ sums[one]) / (weights * weights[one])
        row[~alive] = row[one] = -np.inf
        alike[one, :] = alike[:, one] = row
    kept = np.flatnonzero(alive)
    return _Groups(sums[kept], weights[kept], [members[index] for index in kept])


def _mean_cosines(sums: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    cosines: NDArray[np.float32] = (sums @ sums.T) / np.outer(weights, weights)
    return cosines


def _centres(groups: _Groups) -> NDArray[np.float32]:
    """Return the voices of those who speak long enough, as vectors of length 1; of all where nobody does."""
    enough = groups.weights >= SHORTEST_VOICE_S
    if not enough.any():
        enough = groups.weights == groups.weights.max()
    return _unit(groups.sums[enough])


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _numbered(vectors: NDArray[np.float32], centres: NDArray[np.float32], groups: _Groups) -> Sequence[int]:
    """Return the number of every vector's voice: its group's, where that has one, else of the voice most like it."""
    nearest = np.argmax(vectors @ centres.T, axis=1)
    group_of = {index: number for number, group in enumerate(groups.members) for index in group}
    centre_of_group = np.argmax(_unit(groups.sums) @ centres.T, axis=1)
    found = nearest.tolist()
    for index, group in group_of.items():
        found[index] = int(centre_of_group[group])
    order: dict[int, int] = {}
    return [order.setdefault(voice, len(order)) for voice in found]
