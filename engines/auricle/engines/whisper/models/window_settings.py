"""What a model's own ``config.json`` says of the windows that it stands.

Stock weights say nothing, and get the defaults of `WindowRules`. Weights that were trained on short windows say
``auricle_tail_pad_s`` (seconds of silence behind the speech) and may say ``auricle_least_frames`` (mel frames of the
shortest window).
"""

import json
from pathlib import Path
from typing import Any, Final

from auricle.engines.protocol import EngineUnavailable
from auricle.engines.whisper.window_length import LENGTHS, MOST_FRAMES, WindowRules

TAIL_PAD_KEY: Final = "auricle_tail_pad_s"
LEAST_FRAMES_KEY: Final = "auricle_least_frames"
MOST_PAD_S: Final = 26.0
"""More would leave no room for words."""


def window_rules(folder: Path) -> WindowRules:
    """Return the rules for the windows of the model in ``folder``. Raises `EngineUnavailable` for wrong settings.

    A model that says how much silence it wants was trained on short windows: without a least length it has none.
    """
    settings = _settings(folder)
    stock = WindowRules()
    pad_s = _number(folder, settings, TAIL_PAD_KEY, stock.tail_pad_s, most=MOST_PAD_S, unit="seconds")
    least = LENGTHS[0] if TAIL_PAD_KEY in settings else stock.least_frames
    least_frames = _number(folder, settings, LEAST_FRAMES_KEY, least, most=MOST_FRAMES, unit="mel frames")
    return WindowRules(tail_pad_s=pad_s, least_frames=round(least_frames))


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"The file {path} of the Whisper model cannot be read: {error}.") from error
    return settings if isinstance(settings, dict) else {}


def _number(folder: Path, settings: dict[str, Any], key: str, default: float, *, most: float, unit: str) -> float:
    value = settings.get(key, default)
    # JSON knows no difference between 1 and 1.0, but true is no number.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise EngineUnavailable(
            f"The file {folder / 'config.json'} of the Whisper model says {key} is {value!r}: it must be a number of "
            f"{unit} from 0 to {most:.0f}."
        )
    return float(value)
