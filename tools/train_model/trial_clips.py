"""Writes the clips that the model card counts the words of: more than lie in the repository, for bench/streaming.

PYTHONPATH=tools python -m train_model.trial_clips [FOLDER]

It needs the synthesisers, and nothing else of the training.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from train_model.clips import write_trial_clips

FOLDER: Final = Path(__file__).parents[2] / "build" / "trial-clips"


def main(folder: Annotated[Path, typer.Argument()] = FOLDER) -> None:
    """Write the recordings and their manifest."""
    write_trial_clips(folder)
    typer.echo(f"Wrote {folder}.")


if __name__ == "__main__":
    typer.run(main)
