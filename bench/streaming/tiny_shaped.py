"""Stretches a small Whisper to the shape of tiny: it costs what tiny costs, and says what the small one says.

python bench/streaming/tiny_shaped.py FOLDER [--model SMALL]

Random weights cost what they should but write nonsense up to the last token they are allowed, so that decoding looks
dearer than it is. Here every state of the small network is repeated three times: layer norms do not notice, and other
weights are repeated with a third of their value. Heads are filled up with zeros, layers with such as add nothing, and
the vocabulary with tokens that are never chosen. The arithmetic of tiny.en is all there.
"""

import argparse
import json
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
from ctranslate2.specs import WhisperSpec
from numpy.typing import NDArray

from auricle.engines.whisper.models.resolution import resolve_model

Array = NDArray[np.float32]
Weights = dict[str, Array]

LAYERS: Final = 4
HEADS: Final = 6
TOKENS: Final = 51_864
"""Shape of tiny.en, whose width is three times that of Pebble."""
REPEATS: Final = 3
NEVER: Final = -1e4
"""Added to the logits of tokens that only fill up the vocabulary."""
TYPES: Final = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}
"""What CTranslate2's files call their types; bfloat16 is not used here."""
NORMS: Final = ("layer_norm/gamma", "layer_norm/beta")


def main() -> None:
    """Write the folder that was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="pebble-en", help="what is stretched")
    options = parser.parse_args()
    stretch(resolve_model(options.model, lambda stage, fraction: None), options.folder)


def stretch(small: Path, folder: Path) -> None:
    """Write the stretched model of the folder ``small``."""
    weights = read_weights(small / "model.bin")
    tokens = json.loads((small / "vocabulary.json").read_text(encoding="utf-8"))
    config = json.loads((small / "config.json").read_text(encoding="utf-8"))
    heads = int(weights["encoder/num_heads"])
    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    filled = [*tokens, *(f"<|unused{number}|>" for number in range(TOKENS - len(tokens)))]
    spec.register_vocabulary(filled)
    _fill_ends(spec, weights, len(tokens))
    encoder, decoder = _layers(weights, "encoder"), _layers(weights, "decoder")
    for index, layer in enumerate(spec.encoder.layer, start=encoder - LAYERS):
        _fill_layer(layer, weights, f"encoder/layer_{index}", heads)
    for index, layer in enumerate(spec.decoder.layer, start=decoder - LAYERS):
        _fill_layer(layer, weights, f"decoder/layer_{index}", heads)
        _fill_cross(layer, weights, f"decoder/layer_{index}", heads)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    for extra in folder.glob("vocabulary.*"):
        extra.unlink()
    # The layers that add nothing come first, so heads of the last layer stay in the last layer.
    config["alignment_heads"] = [[layer + LAYERS - decoder, head] for layer, head in config["alignment_heads"]]
    _write(folder / "vocabulary.json", filled)
    _write(folder / "config.json", config)
    for name in ("preprocessor_config.json", "tokenizer.json"):
        (folder / name).write_bytes((small / name).read_bytes())


def read_weights(path: Path) -> Weights:
    """Return what a CTranslate2 file of unquantised weights holds, by name: what its model_spec.py writes."""
    data = path.read_bytes()
    at = 4

    def number(form: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
        return int(value)

    def string() -> str:
        nonlocal at
        length = number("<H")
        at += length
        return data[at - length : at - 1].decode()

    string(), number("<I")
    weights: Weights = {}
    for _ in range(number("<I")):
        name, shape = string(), [number("<I") for _ in range(number("<B"))]
        kind, length = TYPES[number("<B")], number("<I")
        weights[name] = np.frombuffer(data, kind, length // np.dtype(kind).itemsize, at).reshape(shape).astype("f4")
        at += length
    aliases = [(string(), string()) for _ in range(number("<I"))]
    return weights | {alias: weights[name] for alias, name in aliases}


def _layers(weights: Weights, side: str) -> int:
    numbers = {name.split("/")[1].removeprefix("layer_") for name in weights if name.startswith(f"{side}/layer_")}
    return sum(number.isdigit() for number in numbers)


def _repeated(vector: Array) -> Array:
    return np.concatenate([vector] * REPEATS)


def _between(matrix: Array) -> Array:
    """Return a matrix from repeated states to repeated states; further dimensions, of convolutions, stay."""
    repeated: Array = np.concatenate([np.concatenate([matrix] * REPEATS, axis=1)] * REPEATS)
    return (repeated / REPEATS).astype(np.float32)


def _fill_ends(spec: WhisperSpec, weights: Weights, known: int) -> None:
    """Fill in what comes before and behind the layers."""
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight = np.concatenate([weights["encoder/conv1/weight"]] * REPEATS)
    encoder.conv1.bias = _repeated(weights["encoder/conv1/bias"])
    encoder.conv2.weight = _between(weights["encoder/conv2/weight"])
    encoder.conv2.bias = _repeated(weights["encoder/conv2/bias"])
    for side, part in (("encoder", encoder), ("decoder", decoder)):
        places = weights[f"{side}/position_encodings/encodings"]
        part.position_encodings.encodings = np.concatenate([places] * REPEATS, axis=1)
        _fill_norm(part.layer_norm, weights, f"{side}/layer_norm")
    words = np.concatenate([weights["decoder/embeddings/weight"]] * REPEATS, axis=1)
    fillers = np.zeros((TOKENS - known, words.shape[1]), dtype=np.float32)
    decoder.embeddings.weight = np.concatenate([words, fillers])
    decoder.projection.weight = np.concatenate([words, fillers]) / np.float32(REPEATS)
    bias = np.zeros(TOKENS, dtype=np.float32)
    bias[known:] = NEVER
    decoder.projection.bias = bias


def _fill_norm(norm: Any, weights: Weights, name: str) -> None:
    width = len(weights["encoder/layer_norm/gamma"])
    norm.gamma = _repeated(weights.get(f"{name}/gamma", np.ones(width, dtype=np.float32)))
    norm.beta = _repeated(weights.get(f"{name}/beta", np.zeros(width, dtype=np.float32)))


def _fill_layer(layer: Any, weights: Weights, name: str, heads: int) -> None:
    """Fill in attention among states of one side, and the two matrices behind it; nothing by that name adds nothing."""
    attention, ffn = layer.self_attention, layer.ffn
    for norm, part in ((attention.layer_norm, "self_attention"), (ffn.layer_norm, "ffn")):
        _fill_norm(norm, weights, f"{name}/{part}/layer_norm")
    fused = _matrix(weights, f"{name}/self_attention/linear_0", 3)
    weight, bias = (np.split(part, 3) for part in fused)
    query, key, value = (_to_heads(*third, heads) for third in zip(weight, bias, strict=True))
    made = (_scaled(query, heads), key, value)
    attention.linear[0].weight = np.concatenate([rows for rows, _ in made])
    attention.linear[0].bias = np.concatenate([biases for _, biases in made])
    attention.linear[1].weight, attention.linear[1].bias = _from_heads(
        weights, f"{name}/self_attention/linear_1", heads
    )
    inner, inner_bias = _matrix(weights, f"{name}/ffn/linear_0", 4)
    ffn.linear_0.weight, ffn.linear_0.bias = _between(inner), _repeated(inner_bias)
    outer, outer_bias = _matrix(weights, f"{name}/ffn/linear_1", 1, inputs=4)
    ffn.linear_1.weight, ffn.linear_1.bias = _between(outer), _repeated(outer_bias)


def _fill_cross(layer: Any, weights: Weights, name: str, heads: int) -> None:
    attention = layer.attention
    _fill_norm(attention.layer_norm, weights, f"{name}/attention/layer_norm")
    query = _scaled(_to_heads(*_matrix(weights, f"{name}/attention/linear_0", 1), heads), heads)
    attention.linear[0].weight, attention.linear[0].bias = query
    both, bias = _matrix(weights, f"{name}/attention/linear_1", 2)
    halves = [_to_heads(*half, heads) for half in zip(np.split(both, 2), np.split(bias, 2), strict=True)]
    attention.linear[1].weight = np.concatenate([half[0] for half in halves])
    attention.linear[1].bias = np.concatenate([half[1] for half in halves])
    attention.linear[2].weight, attention.linear[2].bias = _from_heads(weights, f"{name}/attention/linear_2", heads)


def _matrix(weights: Weights, name: str, outputs: int, inputs: int = 1) -> tuple[Array, Array]:
    """Return weight and bias; of a layer that does not exist zeros, so many times as tall and wide as states are."""
    width = len(weights["encoder/layer_norm/gamma"])
    weight = weights.get(f"{name}/weight", np.zeros((outputs * width, inputs * width), dtype=np.float32))
    return weight, weights.get(f"{name}/bias", np.zeros(len(weight), dtype=np.float32))


def _to_heads(weight: Array, bias: Array, heads: int) -> tuple[Array, Array]:
    """Return a projection from repeated states to `HEADS` heads: the small one's, each filled up, and empty ones."""
    width = weight.shape[1] * REPEATS
    size, wanted = len(weight) // heads, width // HEADS
    rows = np.zeros((HEADS, wanted, width), dtype=np.float32)
    biases = np.zeros((HEADS, wanted), dtype=np.float32)
    rows[:heads, :size] = np.concatenate([weight.reshape(heads, size, -1)] * REPEATS, axis=2) / REPEATS
    biases[:heads, :size] = bias.reshape(heads, size)
    return rows.reshape(-1, width), biases.reshape(-1)


def _scaled(query: tuple[Array, Array], heads: int) -> tuple[Array, Array]:
    """Make up for attention being divided by the root of the size of a head, which has grown."""
    width = query[0].shape[1]
    factor = np.float32(np.sqrt((width / HEADS) / (width / REPEATS / heads)))
    return query[0] * factor, query[1] * factor


def _from_heads(weights: Weights, name: str, heads: int) -> tuple[Array, Array]:
    """Return the projection from `HEADS` heads, of which only the small one's count, to repeated states."""
    weight, bias = _matrix(weights, name, 1)
    width = len(weight) * REPEATS
    size, wanted = weight.shape[1] // heads, width // HEADS
    columns = np.zeros((width, HEADS, wanted), dtype=np.float32)
    columns[:, :heads, :size] = np.concatenate([weight.reshape(len(weight), heads, size)] * REPEATS)
    return columns.reshape(width, -1), _repeated(bias)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
