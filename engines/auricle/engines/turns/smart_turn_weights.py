"""Where the weights of Smart Turn are: in the wheel of a package that is installed and never imported.

``pipecat-ai`` brings them byte for byte as they are on the Hugging Face hub. The file is used only if it has the size
and the SHA-256 that stand here. Source: notes/real-weights.md §1.
"""

from pathlib import Path
from typing import Final

from auricle.engines.whisper.models.packaged_file import packaged_file
from auricle.engines.whisper.models.pinned import Part, PinnedFile

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
    remedy = f"install the extra {EXTRA} of Auricle"
    return packaged_file(
        WEIGHTS,
        version=VERSION,
        of="Smart Turn",
        install=f"{remedy}.",
        again=f"{remedy} again.",
        replace=f"; {remedy} again.",
    )
