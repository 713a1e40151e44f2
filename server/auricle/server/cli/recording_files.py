"""The recordings inside folders, by their names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset(
    [
        ".3g2",
        ".3ga",
        ".3gp",
        ".aac",
        ".ac3",
        ".aif",
        ".aifc",
        ".aiff",
        ".amr",
        ".ape",
        ".asf",
        ".au",
        ".avi",
        ".caf",
        ".flac",
        ".flv",
        ".gsm",
        ".m4a",
        ".m4b",
        ".m4r",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".rf64",
        ".snd",
        ".ts",
        ".tta",
        ".w64",
        ".wav",
        ".weba",
        ".webm",
        ".wma",
        ".wmv",
        ".wv",
    ]
)
"""Endings of names that recordings have. A file named by itself may have any."""


def with_folders(files: Sequence[str]) -> list[str]:
    """Return ``files`` with each folder replaced by the recordings in and below it, in the order of their names.

    Hidden files and folders are left out. A folder without recordings stays, so that somebody complains about it, and
    so does a link that leads nowhere.
    """
    return [found for file in files for found in (_inside(Path(file)) if _is_folder(file) else [file])]


def _is_folder(file: str) -> bool:
    try:
        return Path(file).is_dir()
    except (OSError, ValueError):
        return False


def _inside(folder: Path) -> list[str]:
    return sorted(map(str, _recordings(folder))) or [str(folder)]


def _recordings(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() in SUFFIXES and (path.is_file() or _leads_nowhere(path)):
            yield path


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()
