"""One pinned file that an installed package brings: checked byte for byte, and the package never imported."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from auricle.engines.protocol import EngineUnavailable
from auricle.engines.whisper.models.pinned import PinnedFile
from auricle.engines.whisper.models.verified_files import is_verified


def packaged_file(file: PinnedFile, *, version: str, of: str, install: str, again: str, replace: str) -> Path:
    """Return the path of a checked file, which has one part, from exactly that ``version`` of its distribution.

    ``of`` is what the weights are of. What to do ends each sentence: ``install`` where they are missing, ``again``
    where they are of another version or cannot be read, ``replace`` where they are other bytes.

    Raises `EngineUnavailable`.
    """
    (part,) = file.parts
    try:
        found = distribution(part.distribution)
    except PackageNotFoundError:
        raise EngineUnavailable(f"The weights of {of} are not installed: {install}") from None
    if found.version != version:
        raise EngineUnavailable(
            f"The weights of {of} are in {part.distribution} {version}, and {found.version} is installed: {again}"
        )
    path = Path(str(found.locate_file(part.path)))
    try:
        verified = is_verified(path, file.size, file.sha256)
    except OSError as error:
        raise EngineUnavailable(f"The file {path} of {of} cannot be read ({error.strerror}): {again}") from error
    if not verified:
        raise EngineUnavailable(
            f"The file {path} is not that of {of}: its size or SHA-256 is another. It is not used{replace}"
        )
    return path
