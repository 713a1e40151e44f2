"""The training loop: one loss of three parts, on a schedule of wall time."""

import math
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from train_model.batches import Batch, batches
from train_model.corpus import Recording, read_shard
from train_model.network import Network, Outputs
from train_model.tokens import vocabulary

PEAK_RATE: Final = 2e-3
WARM_UP_STEPS: Final = 150
SMOOTHING: Final = 0.05
WORD_WEIGHT: Final = 1.0
LOOK_WEIGHT: Final = 0.3
AVERAGE: Final = 0.997
"""How much of the averaged weights each step keeps; what is exported are the averaged ones."""
LONGEST_PADS_FROM: Final = 0.35
"""Windows of 30 s are slow: they are learnt when the rest is known (share of the time)."""
LONGEST_PAD_SHARE: Final = 0.04
SAVE_EVERY_S: Final = 60.0
REPORT_EVERY: Final = 50


def loss_of(outputs: Outputs, batch: Batch) -> tuple[Tensor, list[float]]:
    """Return the loss, and its parts for the log: next token, word of the frame, look of the alignment head."""
    token = F.cross_entropy(
        outputs.tokens.flatten(0, 1), batch.wanted.flatten(), ignore_index=-1, label_smoothing=SMOOTHING
    )
    word = F.cross_entropy(outputs.words.flatten(0, 1), batch.words.flatten(), ignore_index=-1)
    rows = batch.looks.sum().clamp(min=1)
    look = -(batch.looks * outputs.looks).sum() / rows
    total = token + WORD_WEIGHT * word + LOOK_WEIGHT * look
    return total, [token.item(), word.item(), look.item()]


def learn(shards: Path, checkpoint: Path, minutes: float, threads: int, say: Callable[[str], None]) -> None:
    """Train for so many minutes in all, those of earlier runs counted, and save to ``checkpoint`` now and then."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = Network(len(vocabulary()))
    optimiser = torch.optim.AdamW(_groups(network), lr=PEAK_RATE, betas=(0.9, 0.98))
    average = {name: value.clone() for name, value in network.state_dict().items()}
    step, spent = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step, spent = saved["average"], saved["step"], saved["spent"]
    rng = random.Random(step + 1)
    source = Source(shards, rng)
    began = saved_at = time.monotonic() - spent
    while (share := (time.monotonic() - began) / (60 * minutes)) < 1:
        batch = source.next(share)
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, share)
        loss, parts = loss_of(network(batch.mels, batch.tokens), batch)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(AVERAGE, 1 - 1 / (1 + step / 10))
        for name, value in network.state_dict().items():
            average[name].lerp_(value, 1 - keep)
        if step % REPORT_EVERY == 0:
            say(f"{share:.3f} step {step} " + " ".join(f"{part:.3f}" for part in parts))
        if time.monotonic() - saved_at > SAVE_EVERY_S:
            saved_at = time.monotonic()
            _save(checkpoint, network, optimiser, average, step, saved_at - began)
    _save(checkpoint, network, optimiser, average, step, time.monotonic() - began)


def _rate(step: int, share: float) -> float:
    """Return the learning rate: up for some steps, then half a cosine down over the time there is."""
    return PEAK_RATE * min(1, (step + 1) / WARM_UP_STEPS) * (0.02 + 0.49 * (1 + math.cos(math.pi * share)))


class Source:
    """Batches of whatever shards there are; looks for new ones now and then."""

    def __init__(self, shards: Path, rng: random.Random) -> None:
        self._shards, self._rng = shards, rng
        self._read: set[Path] = set()
        self._recordings: list[Recording] = []
        self._left = 0

    def next(self, share: float) -> Batch:
        """Return a batch for that share of the training."""
        if self._left == 0:
            self._look()
            self._batches = batches(
                self._recordings, self._rng, LONGEST_PAD_SHARE if share > LONGEST_PADS_FROM else 0.0
            )
            self._left = 200
        self._left -= 1
        return next(self._batches)

    def _look(self) -> None:
        for path in sorted(set(self._shards.glob("[0-9]*[0-9].npz")) - self._read):
            self._recordings += read_shard(path)
            self._read.add(path)


def _groups(network: Network) -> Iterable[dict[str, Any]]:
    matrices = [value for value in network.parameters() if value.ndim > 1]
    vectors = [value for value in network.parameters() if value.ndim <= 1]
    return [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]


def _save(
    path: Path, network: Network, optimiser: torch.optim.Optimizer, average: dict[str, Tensor], step: int, spent: float
) -> None:
    partial = path.with_suffix(".part")
    torch.save(
        {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average,
            "step": step,
            "spent": spent,
        },
        partial,
    )
    partial.rename(path)
