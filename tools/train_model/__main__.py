"""The stages of the training, one command each, and one for all of them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from train_model.clips import (
    TRIAL_OF_HELD_OUT_VOICE,
    TRIAL_OF_SEEN_VOICE,
    held_out_sentences,
    trial_clips,
    write_repository_clips,
)
from train_model.corpus import make_shard
from train_model.evaluate import report
from train_model.export import export
from train_model.training import learn as learn_from

_ROOT: Final = Path(__file__).parents[2]
WORK: Final = _ROOT / "build" / "pebble-en"
MODEL: Final = _ROOT / "engines" / "auricle" / "engines" / "whisper" / "models" / "pebble-en"
CLIPS: Final = _ROOT / "tests" / "engines" / "speech"
SHARDS: Final = 16
MINUTES: Final = 80.0

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Work = Annotated[Path, typer.Option(help="Where recordings and checkpoints go.")]
Model = Annotated[Path, typer.Option(help="The folder of the model.")]


@app.command()
def speak(work: Work = WORK, first: int = 0, last: int = SHARDS, step: int = 1) -> None:
    """Synthesise the training data, a thousand recordings a shard. Several of these may run, on different shards."""
    shards = work / "shards"
    shards.mkdir(parents=True, exist_ok=True)
    held_out = frozenset(held_out_sentences())
    for seed in range(first, last, step):
        path = shards / f"{seed:03d}.npz"
        if not path.exists():
            make_shard(path, seed, held_out)
            typer.echo(f"Made {path}.")


@app.command()
def learn(work: Work = WORK, minutes: float = MINUTES, threads: int = 1) -> None:
    """Train for so many minutes of wall time. A second call goes on where the first was stopped."""
    learn_from(work / "shards", work / "checkpoint.pt", minutes, threads, typer.echo)


@app.command(name="export")
def export_model(work: Work = WORK, model: Model = MODEL) -> None:
    """Write the model as a folder for faster-whisper and CTranslate2."""
    export(work / "checkpoint.pt", model)
    typer.echo(f"Wrote {model}.")


@app.command()
def clips(folder: Path = CLIPS) -> None:
    """Write the clips that the tests of the repository use."""
    write_repository_clips(folder)
    typer.echo(f"Wrote {folder}.")


@app.command()
def evaluate(
    model: Model = MODEL,
    each_held_out: int = TRIAL_OF_HELD_OUT_VOICE,
    each_seen: int = TRIAL_OF_SEEN_VOICE,
    *,
    sweep: bool = True,
    compute_type: str = "int8",
) -> None:
    """Print the tables of the model card: held-out sentences, by voice and by tail pad."""
    typer.echo(report(model, list(trial_clips(each_held_out, each_seen)), compute_type, sweep=sweep))


@app.command(name="all")
def everything(work: Work = WORK, model: Model = MODEL, minutes: float = MINUTES, threads: int = 1) -> None:
    """Run every stage, one after another."""
    speak(work)
    learn(work, minutes, threads)
    export_model(work, model)
    clips()
    evaluate(model)


if __name__ == "__main__":
    app()
