"""Writes test recordings, ten times as many as lie in the repository: for the error rates in bench/streaming.

One error more or less must not decide anything there, and there is one in forty words.

PYTHONPATH=tools python -m train_model.trial_clips [FOLDER]

It needs the synthesisers, and nothing else of the training.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from train_model.clips import write_trial_clips

FOLDER: Final = Path(__file__).parents[2] / "build" / "trial-clips"

OF_HELD_OUT_VOICE: Final = 100
OF_SEEN_VOICE: Final = 40


def main(
    folder: Annotated[Path, typer.Argument()] = FOLDER,
    each_held_out: int = OF_HELD_OUT_VOICE,
    each_seen: int = OF_SEEN_VOICE,
) -> None:
    """Write the recordings and their manifest."""
    write_trial_clips(folder, each_held_out, each_seen)
    typer.echo(f"Wrote {folder}.")


if __name__ == "__main__":
    typer.run(main)
