"""Makes a Whisper of random weights: what it costs is real, what it writes is not.

python bench/streaming/random_model.py FOLDER                            the shape of large-v3-turbo, 1.6 GB
python bench/streaming/random_model.py FOLDER --shape tiny --type int8   something small

CTranslate2 loads it, and faster-whisper does too: the tokeniser has Whisper's special tokens at their places and words
that mean nothing.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SEED = 20_240_501
SCALE = 0.02

LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml "
    "cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am "
    "yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su"
)
END_OF_TEXT = 50_257
"""Ordinary tokens come before it, special ones behind it."""
TIMESTAMPS = 1_501


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What decides the cost of a Whisper."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    mels: int
    languages: tuple[str, ...]


SHAPES = {
    "tiny": Shape(width=384, heads=6, encoder_layers=4, decoder_layers=4, mels=80, languages=tuple(LANGUAGES.split())),
    "large-v3-turbo": Shape(
        width=1280, heads=20, encoder_layers=32, decoder_layers=4, mels=128, languages=(*LANGUAGES.split(), "yue")
    ),
}


def main() -> None:
    """Write the folder that was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="large-v3-turbo")
    parser.add_argument("--type", choices=("float16", "int8", "float32"), default="float16", help="on disk")
    options = parser.parse_args()
    make(options.folder, SHAPES[options.shape], options.type)


def make(folder: Path, shape: Shape, quantization: str) -> None:
    """Write a model of a shape, with everything that faster-whisper reads."""
    tokens = vocabulary(shape)
    folder.mkdir(parents=True, exist_ok=True)
    spec = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    spec.register_vocabulary(tokens)
    _fill(spec, shape, len(tokens))
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    spec.save(str(folder))
    for extra in folder.glob("vocabulary.*"):
        extra.unlink()
    _write(folder / "vocabulary.json", tokens)
    _write(
        folder / "config.json",
        {
            "alignment_heads": [[shape.decoder_layers - 1, head] for head in range(min(6, shape.heads))],
            "lang_ids": [tokens.index(f"<|{language}|>") for language in shape.languages],
            "suppress_ids": [],
            "suppress_ids_begin": [220, END_OF_TEXT],
        },
    )
    _write(folder / "preprocessor_config.json", _preprocessor(shape.mels))
    tokenizer(tokens).save(str(folder / "tokenizer.json"), pretty=False)


def vocabulary(shape: Shape) -> list[str]:
    """Return the tokens in Whisper's order: ordinary ones, then the special ones at the places it has them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    invented = [f"Ġ{index:x}" for index in range(END_OF_TEXT - len(alphabet) - 1)]
    special = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{language}|>" for language in shape.languages),
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
        *(f"<|{index * 0.02:.2f}|>" for index in range(TIMESTAMPS)),
    ]
    # The empty token is what CTranslate2 knows a multilingual model by.
    return [*alphabet, *invented, "", *special]


def tokenizer(tokens: list[str]) -> Tokenizer:
    """Return a byte-level tokeniser without merges: it writes any text, a byte at a time."""
    made = Tokenizer(models.BPE(vocab={t: number for number, t in enumerate(tokens[:END_OF_TEXT])}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True) for token in tokens[END_OF_TEXT:]])
    return made


def _fill(spec: WhisperSpec, shape: Shape, tokens: int) -> None:
    random = np.random.default_rng(SEED)
    width, inner = shape.width, 4 * shape.width

    def weight(*size: int) -> NDArray[np.float32]:
        return random.standard_normal(size, dtype=np.float32) * np.float32(SCALE)

    def linear(layer: Any, outputs: int, inputs: int) -> None:
        layer.weight, layer.bias = weight(outputs, inputs), np.zeros(outputs, dtype=np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(width, dtype=np.float32), np.zeros(width, dtype=np.float32)

    def common(layer: Any) -> None:
        linear(layer.self_attention.linear[0], 3 * width, width)
        linear(layer.self_attention.linear[1], width, width)
        norm(layer.self_attention.layer_norm)
        linear(layer.ffn.linear_0, inner, width)
        linear(layer.ffn.linear_1, width, inner)
        norm(layer.ffn.layer_norm)

    for convolution, inputs in ((spec.encoder.conv1, shape.mels), (spec.encoder.conv2, width)):
        convolution.weight, convolution.bias = weight(width, inputs, 3), np.zeros(width, dtype=np.float32)
    spec.encoder.position_encodings.encodings = weight(1_500, width)
    norm(spec.encoder.layer_norm)
    for layer in spec.encoder.layer:
        common(layer)
    spec.decoder.embeddings.weight = weight(tokens, width)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    spec.decoder.position_encodings.encodings = weight(448, width)
    norm(spec.decoder.layer_norm)
    for layer in spec.decoder.layer:
        common(layer)
        linear(layer.attention.linear[0], width, width)
        linear(layer.attention.linear[1], 2 * width, width)
        linear(layer.attention.linear[2], width, width)
        norm(layer.attention.layer_norm)


def _preprocessor(mels: int) -> dict[str, Any]:
    return {
        "chunk_length": 30,
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": mels,
        "hop_length": 160,
        "n_fft": 400,
        "n_samples": 480_000,
        "nb_max_frames": 3_000,
        "padding_side": "right",
        "padding_value": 0.0,
        "processor_class": "WhisperProcessor",
        "return_attention_mask": False,
        "sampling_rate": 16_000,
    }


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
