"""Batches on a GPU: how many windows a second, and how long a batch takes; short windows against 30 s.

python bench/streaming/random_model.py turbo          then, where there is a GPU,
python bench/streaming/gpu.py --model turbo --out bench/streaming/results/gpu.json
python bench/streaming/run.py --model turbo --only capacity     the whole stack on it: the texts mean nothing

Weights do not matter to the cost, so every window gets the same number of tokens, end of text forbidden. What a final
takes on an idle GPU is the batch of one; what a batch takes is what a final waits for at most, and then its own.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import machine
import numpy as np
from batches import batch_table
from context import compute_type
from direct import storage
from metrics import summary

BATCHES = (1, 2, 4, 8, 16, 32, 64)
WINDOWS_S = (2.0, 4.0, 8.0, 30.0)
TOKENS = 12
"""In a window of 4 s at a common rate of speech."""
SOT_PROMPT = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")
END = "<|endoftext|>"
SEED = 20_240_501


def main() -> int:
    """Measure, print, and write the results. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder that random_model.py made, or any other")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="without it, a GPU where there is one")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--windows", type=float, nargs="+", default=WINDOWS_S, help="seconds")
    parser.add_argument("--rounds", type=int, default=20, help="batches of each kind")
    parser.add_argument("--out", type=Path, help="where the results are written as JSON")
    options = parser.parse_args()
    device = options.device or ("cuda" if ctranslate2.get_cuda_device_count() else "cpu")
    model = ctranslate2.models.Whisper(str(options.model), device=device, compute_type=compute_type(device))
    tokens = json.loads((options.model / "vocabulary.json").read_text(encoding="utf-8"))
    prompt, end = [tokens.index(token) for token in SOT_PROMPT], tokens.index(END)
    rows = []
    for window_s in options.windows:
        for batch in options.batches:
            rows.append(_row(model, (prompt, end), window_s, batch, options.rounds))
            print(f"{window_s:g} s × {batch}: {rows[-1]['windows_per_s']:.1f} windows a second", flush=True)
    meta = machine.facts(sys.argv) | {
        "shape": options.model.resolve().name,
        "device": device,
        "device_name": _device_name(device),
        "compute_type": compute_type(device),
        "tokens": TOKENS,
    }
    results = {"kind": "batches", "meta": meta, "rows": rows}
    print("\n".join(batch_table(results)))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def _row(
    model: ctranslate2.models.Whisper, tokens: tuple[Sequence[int], int], window_s: float, batch: int, rounds: int
) -> dict[str, Any]:
    prompt, end = tokens
    frames = round(window_s * 100)
    features = storage(np.random.default_rng(SEED).standard_normal((batch, model.n_mels, frames), dtype=np.float32))
    times: list[float] = []
    for _ in range(rounds + 1):
        begin_s = time.perf_counter()
        encoded = model.encode(features)
        model.generate(
            encoded,
            [list(prompt)] * batch,
            beam_size=1,
            max_length=2 * TOKENS,
            suppress_tokens=[-1, end],
            suppress_blank=False,
        )
        times.append(time.perf_counter() - begin_s)
    taken = times[1:]  # the first one warms up
    return {
        "window_s": window_s,
        "batch": batch,
        "batch_s": summary(taken),
        "windows_per_s": round(batch * len(taken) / sum(taken), 2),
    }


def _device_name(device: str) -> str:
    if device == "cpu":
        return f"a CPU ({machine.facts([])['cpu']})"
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
