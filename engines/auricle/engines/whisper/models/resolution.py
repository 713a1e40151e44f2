"""Where a Whisper model comes from: a folder, this package, the local cache of the Hugging Face hub, or the hub itself.

Everything here ends in a folder that CTranslate2 can load, or in one sentence about what was tried.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from huggingface_hub import constants, snapshot_download
from tqdm.auto import tqdm

from auricle.engines.protocol import EngineUnavailable, LoadProgress

DEFAULT_MODEL: Final = "small"
"""Multilingual, and the largest that keeps up with a voice on a few processors."""
BUNDLED_MODELS: Final = ("pebble-en",)
"""Short names of what is in this package and needs no hub. Each folder has a model card: what it is, and is not."""
_BUNDLE: Final = Path(__file__).parent
MODEL_FILE: Final = "model.bin"
FILES: Final = ("config.json", "preprocessor_config.json", MODEL_FILE, "tokenizer.json", "vocabulary.*")
REPLY_TIMEOUT_S: Final = 5.0
"""How long the hub may take to answer about a file: somebody waits for the server to start."""
HUB_MODELS: Final[Mapping[str, str]] = {
    "tiny": "Systran/faster-whisper-tiny",
    "tiny.en": "Systran/faster-whisper-tiny.en",
    "base": "Systran/faster-whisper-base",
    "base.en": "Systran/faster-whisper-base.en",
    "small": "Systran/faster-whisper-small",
    "small.en": "Systran/faster-whisper-small.en",
    "medium": "Systran/faster-whisper-medium",
    "medium.en": "Systran/faster-whisper-medium.en",
    "large-v2": "Systran/faster-whisper-large-v2",
    "large-v3": "Systran/faster-whisper-large-v3",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
"""Short names. Any other repository of the hub goes by its full name."""


def resolve_model(model: str, progress: LoadProgress) -> Path:
    """Return the folder of ``model``: a folder, a short name, or ``owner/name``. Raises `EngineUnavailable`."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _checked(folder)
    if model in BUNDLED_MODELS:
        return _checked(_BUNDLE / model)
    repository = HUB_MODELS.get(model, model)
    if model.startswith(("/", ".", "~")) or repository.count("/") != 1:
        names = ", ".join((*HUB_MODELS, *BUNDLED_MODELS))
        raise EngineUnavailable(
            f"There is no Whisper model {model!r}: name a folder with a CTranslate2 model, a repository of the "
            f"Hugging Face hub as owner/name, or one of {names}."
        )
    return _cached(repository) or _downloaded(model, repository, progress)


def _checked(folder: Path) -> Path:
    if not (folder / MODEL_FILE).is_file():
        raise EngineUnavailable(f"The folder {folder} holds no CTranslate2 model: {MODEL_FILE} is missing.")
    return folder


def _cached(repository: str) -> Path | None:
    try:
        folder = Path(snapshot_download(repository, local_files_only=True, allow_patterns=list(FILES)))
    except (OSError, ValueError):
        return None
    # An interrupted download leaves a folder without its largest file.
    return folder if (folder / MODEL_FILE).is_file() else None


def _downloaded(model: str, repository: str, progress: LoadProgress) -> Path:
    stage = f"Downloading the Whisper model {model}"
    progress(stage, 0.0)
    try:
        folder = snapshot_download(
            repository,
            allow_patterns=list(FILES),
            etag_timeout=REPLY_TIMEOUT_S,
            tqdm_class=_reporting_bar(stage, progress),
        )
    except Exception as error:
        # The hub's library raises whatever its HTTP library of the day does.
        raise EngineUnavailable(
            f"The Whisper model {model} is not in the local cache, and {repository} cannot be downloaded from the "
            f"Hugging Face hub ({_reason(error)}): connect once, or give the folder of a CTranslate2 model."
        ) from error
    return _checked(Path(folder))


def _reason(error: Exception) -> str:
    """Return the first sentence of what went wrong."""
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids it"
    first_line = (str(error).splitlines() or [""])[0].strip().removeprefix("Got: ")
    return first_line.partition(". ")[0][:120].rstrip(".") or type(error).__name__


def _reporting_bar(stage: str, progress: LoadProgress) -> type[tqdm]:
    """Return a progress bar that draws nothing and reports the bytes of all files together."""

    class ReportingBar(tqdm):  # type: ignore[misc]
        """Counts for itself: a disabled bar does not."""

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            self._counts_bytes = options.get("unit") == "B"
            self._seen = float(options.get("initial") or 0)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            """Count ``n`` more."""
            self._seen += n or 0
            if self._counts_bytes and self.total:
                progress(stage, min(1.0, self._seen / self.total))
            return None

    return ReportingBar
