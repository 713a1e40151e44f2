"""Where a Whisper model comes from: a folder, an installed package, the cache of the Hugging Face hub, or the hub.

Everything here ends in a folder that CTranslate2 can load, or in one sentence about what was tried.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import huggingface_hub
from huggingface_hub import constants, snapshot_download
from tqdm.auto import tqdm

from auricle.engines.protocol import EngineUnavailable, LoadProgress
from auricle.engines.whisper.models.packaged import installed_models, packaged_model
from auricle.engines.whisper.models.pinned import PINNED_MODELS
from auricle.engines.whisper.models.verified_files import is_verified

HUB_DEFAULT_MODEL: Final = "small"
"""Multilingual, and the largest that keeps up with a voice on a few processors."""
OWN_MODEL: Final = "pebble-en"
"""Our own, for tests and demonstrations. Its folder has a model card: what it is, and is not."""
OWN_MODEL_PACKAGE: Final = "auricle-pebble-en"
"""A distribution of its own, so that whoever installs a client gets no model. A checkout has it."""
_OWN_MODEL_FOLDER: Final = Path(__file__).parent / OWN_MODEL
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
REVISIONS: Final[Mapping[str, str]] = {
    "Systran/faster-whisper-tiny": "d90ca5fe260221311c53c58e660288d3deb8d356",
    "Systran/faster-whisper-base.en": "3d3d5dee26484f91867d81cb899cfcf72b96be6c",
    "Systran/faster-whisper-small": "536b0662742c02347bc0e980a01041f333bce120",
    "Systran/faster-whisper-small.en": "d1d751a5f8271d482d14ca55d9e2deeebbae577f",
    **{model.repository: model.revision for model in PINNED_MODELS.values()},
}
"""The commit of a repository that is downloaded; of any other it is the newest."""


def default_model(language: str | None) -> str:
    """Return the model for whoever names none: the best installed one that knows ``language``, else the hub's."""
    spoken = None if language is None else language.partition("-")[0].lower()
    for name in installed_models():
        languages = PINNED_MODELS[name].languages
        if spoken is None or languages is None or spoken in languages:
            return name
    return HUB_DEFAULT_MODEL


def own_model() -> Path | None:
    """Return the folder of `OWN_MODEL`; None where its package is not installed and this is no checkout."""
    return _OWN_MODEL_FOLDER if _OWN_MODEL_FOLDER.is_dir() else None


def resolve_model(model: str, progress: LoadProgress) -> Path:
    """Return the folder of ``model``: a folder, a short name, or ``owner/name``. Raises `EngineUnavailable`.

    Looked for in this order: a folder, our own, installed packages, the hub's cache, the hub.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _checked(folder)
    if model == OWN_MODEL:
        return _checked(_installed_own_model())
    packaged = packaged_model(model, progress)
    if packaged is not None:
        return packaged
    repository = HUB_MODELS.get(model, model)
    if model.startswith(("/", ".", "~")) or repository.count("/") != 1:
        names = ", ".join((*HUB_MODELS, OWN_MODEL))
        raise EngineUnavailable(
            f"There is no Whisper model {model!r}: name a folder with a CTranslate2 model, a repository of the "
            f"Hugging Face hub as owner/name, or one of {names}."
        )
    return _cached(repository) or _downloaded(model, repository, progress)


def _installed_own_model() -> Path:
    folder = own_model()
    if folder is None:
        raise EngineUnavailable(
            f"The Whisper model {OWN_MODEL} is in a package of its own, {OWN_MODEL_PACKAGE}, which is not installed: "
            "install it from engines/auricle/engines/whisper/models/pebble-en of Auricle's checkout."
        )
    return folder


def _checked(folder: Path) -> Path:
    if not (folder / MODEL_FILE).is_file():
        raise EngineUnavailable(f"The folder {folder} holds no CTranslate2 model: {MODEL_FILE} is missing.")
    return folder


def _cached(repository: str) -> Path | None:
    try:
        folder = Path(
            snapshot_download(
                repository,
                revision=REVISIONS.get(repository),
                local_files_only=True,
                allow_patterns=list(FILES),
            )
        )
    except (OSError, ValueError):
        return None
    # An interrupted download leaves a folder without its largest file.
    return folder if (folder / MODEL_FILE).is_file() else None


def _downloaded(model: str, repository: str, progress: LoadProgress) -> Path:
    stage = f"Downloading the Whisper model {model}"
    progress(stage, 0.0)
    try:
        with _one_sentence_for_all_tries():
            folder = snapshot_download(
                repository,
                revision=REVISIONS.get(repository),
                allow_patterns=list(FILES),
                etag_timeout=REPLY_TIMEOUT_S,
                tqdm_class=_reporting_bar(stage, progress),
            )
    except Exception as error:
        # The hub's library raises whatever its HTTP library of the day does.
        raise EngineUnavailable(
            f"The Whisper model {model} is not in the local cache, and {repository} cannot be downloaded from the "
            f"Hugging Face hub ({_reason(error)}): connect once, give the folder of a CTranslate2 model, or "
            f"{_without_hub(model)}."
        ) from error
    return _checked(_as_pinned(model, Path(folder)))


def _without_hub(model: str) -> str:
    """Return what brings the model without the hub, or another one where nothing does."""
    if model in PINNED_MODELS:
        return f"install the extra {PINNED_MODELS[model].extra} of Auricle"
    others = sorted(PINNED_MODELS.values(), key=lambda each: each.name, reverse=True)
    names, extras = (" or ".join(each.name for each in others), " and ".join(each.extra for each in others))
    return f"name {names}, which the extras {extras} of Auricle install"


@contextmanager
def _one_sentence_for_all_tries() -> Iterator[None]:
    """Keep the hub's library from warning of every try: what came of all of them is told in a sentence of ours."""
    hub = logging.getLogger(huggingface_hub.__name__)
    before = hub.level
    hub.setLevel(logging.ERROR)
    try:
        yield
    finally:
        hub.setLevel(before)


def _as_pinned(model: str, folder: Path) -> Path:
    """Return the folder, if the hub served what is known of the model. Raises `EngineUnavailable`."""
    pinned = PINNED_MODELS.get(model)
    for file in () if pinned is None else pinned.files:
        if not (folder / file.name).is_file() or not is_verified(folder / file.name, file.size, file.sha256):
            raise EngineUnavailable(
                f"The hub served another {file.name} than that of the Whisper model {model}. It is not used: remove "
                f"{folder} and try again."
            )
    return folder


def _reason(error: Exception) -> str:
    """Return the first sentence of what went wrong."""
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids it"
    first_line = (str(error).splitlines() or [""])[0].strip().removeprefix("Got: ")
    return first_line.partition(". ")[0][:120].rstrip(".") or type(error).__name__


def _reporting_bar(stage: str, progress: LoadProgress) -> type[tqdm]:
    """Return a progress bar that draws nothing and reports the bytes of all files together."""

    class ReportingBar(tqdm):  # type: ignore[misc]  # tqdm has no types
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
