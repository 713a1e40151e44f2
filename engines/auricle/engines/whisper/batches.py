"""Windows on their way through CTranslate2: what is decoded together, and arrays in CTranslate2's own storage."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import ctranslate2
import numpy as np
from ctranslate2 import StorageView
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from auricle.engines.protocol import Window

CPU_BATCH: Final = 8
"""Most windows in a call on processors: a token costs a fifth in eight of them, and little less in more."""
GPU_BATCH: Final = 32
"""Most windows in a call on a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One window to decode."""

    place: int
    """Its index in the call."""
    window: Window
    frames: int
    """Mel frames of the encoder's input."""
    context: tuple[int, ...]
    """Tokens before the transcript: terms, prompt, what was said before."""
    beam_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Windows that are decoded together: of one length, with contexts of one length and one beam."""

    jobs: tuple[Job, ...]
    tokenizers: tuple[Tokenizer, ...]
    encoded: StorageView
    """Output of the encoder, shape ``(jobs, frames / 2, width)``."""


def together(jobs: Iterable[Job], most: int) -> Iterable[list[Job]]:
    """Group jobs that can share a call, at most ``most`` in each."""

    def key(job: Job) -> tuple[int, int, int]:
        return job.frames, len(job.context), job.beam_size

    for _, group in groupby(sorted(jobs, key=key), key):
        members = list(group)
        yield from (members[start : start + most] for start in range(0, len(members), most))


def only(batches: Iterable[Batch], places: Collection[int]) -> Iterable[Batch]:
    """Return the parts of the batches that hold the windows at ``places``."""
    for batch in batches:
        rows = [row for row, job in enumerate(batch.jobs) if job.place in places]
        if rows:
            yield Batch(
                jobs=tuple(batch.jobs[row] for row in rows),
                tokenizers=tuple(batch.tokenizers[row] for row in rows),
                encoded=select(batch.encoded, rows),
            )


def storage(array: NDArray[np.float32]) -> StorageView:
    """Return an array for CTranslate2, in the computer's memory."""
    return StorageView.from_array(np.ascontiguousarray(array, dtype=np.float32))


def stack(storages: Sequence[StorageView]) -> StorageView:
    """Return arrays as the rows of one."""
    if len(storages) == 1:
        return storages[0]
    return storage(np.concatenate([np.asarray(one) for one in storages]))


def select(array: StorageView, rows: Sequence[int]) -> StorageView:
    """Return some rows: on the device where they are all of them, in the computer's memory else."""
    if list(rows) == list(range(array.shape[0])):
        return array
    here = array if array.device == "cpu" else array.to_device(ctranslate2.Device.cpu)
    return storage(np.asarray(here)[list(rows)])
