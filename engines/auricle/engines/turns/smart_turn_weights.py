"""Where the weights of Smart Turn are: in the wheel of a package that is installed and never imported.

``pipecat-ai`` brings them byte for byte as they are on the Hugging Face hub. The file is used only if it has the size
and the SHA-256 that stand here. Source: notes/real-weights.md §1.
"""

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from auricle.engines.protocol import EngineUnavailable
from auricle.engines.whisper.models.pinned import Part, PinnedFile
from auricle.engines.whisper.models.verified_files import is_verified

EXTRA: Final = "turns"
VERSION: Final = "1.14.0"
"""The exact version of the distribution."""
LICENCE: Final = "BSD-2-Clause"
REPOSITORY: Final = "pipecat-ai/smart-turn-v3"
REVISION: Final = "f766f81d"
"""Where the file comes from, and the commit there."""
WEIGHTS: Final = PinnedFile(
    name="smart-turn-v3.2-cpu.onnx",
    size=8_679_182,
    sha256="2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
    parts=(Part(distribution="pipecat-ai", path="pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"),),
)


def find_weights() -> Path:
    """Return the path of the checked file. Raises `EngineUnavailable`."""
    (part,) = WEIGHTS.parts
    again = f"install the extra {EXTRA} of Auricle"
    try:
        found = distribution(part.distribution)
    except PackageNotFoundError:
        raise EngineUnavailable(f"The weights of Smart Turn are not installed: {again}.") from None
    if found.version != VERSION:
        raise EngineUnavailable(
            f"The weights of Smart Turn are in {part.distribution} {VERSION}, and {found.version} is installed: "
            f"{again} again."
        )
    path = Path(os.fspath(found.locate_file(part.path)))  # type: ignore[call-overload]
    try:
        verified = is_verified(path, WEIGHTS.size, WEIGHTS.sha256)
    except OSError as error:
        raise EngineUnavailable(
            f"The file {path} of Smart Turn cannot be read ({error.strerror}): {again} again."
        ) from error
    if not verified:
        raise EngineUnavailable(
            f"The file {path} is not that of Smart Turn: its size or SHA-256 is another. It is not used; {again} again."
        )
    return path
