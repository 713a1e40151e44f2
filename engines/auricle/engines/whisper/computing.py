"""What a model can be computed on, and with what numbers: asked before it is loaded."""

from typing import Final

import ctranslate2

from auricle.engines.protocol import EngineUnavailable

DEVICES: Final = ("cpu", "cuda")
ANY_TYPE: Final = ("default", "auto")
"""CTranslate2 chooses: the type that the model was converted to, or the quickest."""


def require_computable(device: str, compute_type: str | None) -> None:
    """Raise `EngineUnavailable` for a device that is none, or a compute type that it has not."""
    if device not in DEVICES:
        raise EngineUnavailable(f"There is no device {device!r}: give cpu, cuda, or a certain GPU as cuda:0.")
    if compute_type is None or compute_type in ANY_TYPE:
        return
    try:
        known = ctranslate2.get_supported_compute_types(device)
    except RuntimeError:
        return  # there is no GPU, which is said when the model is loaded
    if compute_type not in known:
        raise EngineUnavailable(
            f"Whisper cannot compute with {compute_type!r} on {device}: give one of {', '.join(sorted(known))}."
        )
