"""Writes the trained network as the folder that faster-whisper and CTranslate2 load."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import torch
from ctranslate2.specs import WhisperSpec, attention_spec, common_spec, transformer_spec
from numpy.typing import NDArray
from torch import nn

from train_model.features import HOP, MELS, RATE
from train_model.network import (
    ALIGNMENT_HEAD,
    DECODER_LAYERS,
    ENCODER_LAYERS,
    HEADS,
    Attention,
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    Network,
)
from train_model.tokens import number_of, tokenizer, vocabulary

QUANTISATION: Final = "float16"
"""On disk. CTranslate2 makes int8 or float32 of it while it loads."""
TAIL_PAD_S: Final = 0.5
"""Silence that the model wants behind speech (see `whisper.models.resolution`); its model card derives it."""
_PREPROCESSOR: Final = {
    "chunk_length": 30,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": MELS,
    "hop_length": HOP,
    "n_fft": 400,
    "n_samples": 30 * RATE,
    "nb_max_frames": 30 * RATE // HOP,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": RATE,
}


def export(checkpoint: Path, folder: Path) -> None:
    """Write the averaged weights of ``checkpoint`` to ``folder``, with tokenizer and configuration."""
    network = Network(len(vocabulary()))
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    folder.mkdir(parents=True, exist_ok=True)
    spec = _spec(network)
    spec.validate()
    spec.optimize(quantization=QUANTISATION)
    spec.save(str(folder))
    for extra in folder.glob("vocabulary.*"):
        extra.unlink()
    _write(folder / "vocabulary.json", vocabulary())
    _write(folder / "preprocessor_config.json", _PREPROCESSOR)
    _write(
        folder / "config.json",
        {
            "alignment_heads": [[DECODER_LAYERS - 1, ALIGNMENT_HEAD]],
            "lang_ids": [number_of("<|en|>")],
            # Nothing but a lone space is forbidden at the beginning: the end may come at once, for silence.
            "suppress_ids": [],
            "suppress_ids_begin": [tokenizer().token_to_id("Ġ")],
            "auricle_tail_pad_s": TAIL_PAD_S,
        },
    )
    tokenizer().save(str(folder / "tokenizer.json"), pretty=False)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _spec(network: Network) -> WhisperSpec:
    spec = WhisperSpec(ENCODER_LAYERS, HEADS, DECODER_LAYERS, HEADS)
    spec.register_vocabulary(vocabulary())
    for conv, made in ((spec.encoder.conv1, network.conv1), (spec.encoder.conv2, network.conv2)):
        _linear(conv, made)
    spec.encoder.position_encodings.encodings = _array(network.get_buffer("frame_positions"))
    _norm(spec.encoder.layer_norm, network.encoder_norm)
    for encoder_layer, made_encoder in zip(spec.encoder.layer, network.encoder, strict=True):
        assert isinstance(made_encoder, EncoderLayer)
        _self_attention(encoder_layer, made_encoder)
    spec.decoder.embeddings.weight = _array(network.embedding.weight)
    spec.decoder.position_encodings.encodings = _array(network.token_positions)
    _norm(spec.decoder.layer_norm, network.decoder_norm)
    spec.decoder.projection.weight = _array(network.embedding.weight)
    for decoder_layer, made_decoder in zip(spec.decoder.layer, network.decoder, strict=True):
        assert isinstance(made_decoder, DecoderLayer)
        _self_attention(decoder_layer, made_decoder)
        _cross_attention(decoder_layer.attention, made_decoder.cross)
        _norm(decoder_layer.attention.layer_norm, made_decoder.cross_norm)
    return spec


def _self_attention(
    layer: transformer_spec.TransformerEncoderLayerSpec | transformer_spec.TransformerDecoderLayerSpec,
    made: EncoderLayer | DecoderLayer,
) -> None:
    """Fill in what the layers of both sides have: attention among themselves, and the two layers behind."""
    attention = layer.self_attention
    projections = (made.attention.query, made.attention.key, made.attention.value)
    attention.linear[0].weight = np.concatenate([_array(part.weight) for part in projections])
    attention.linear[0].bias = np.concatenate([_bias(part) for part in projections])
    _linear(attention.linear[1], made.attention.out)
    _norm(attention.layer_norm, made.attention_norm)
    _feed_forward(layer.ffn, made.ffn, made.ffn_norm)


def _cross_attention(attention: attention_spec.MultiHeadAttentionSpec, made: Attention) -> None:
    _linear(attention.linear[0], made.query)
    attention.linear[1].weight = np.concatenate([_array(made.key.weight), _array(made.value.weight)])
    attention.linear[1].bias = np.concatenate([_bias(made.key), _bias(made.value)])
    _linear(attention.linear[2], made.out)


def _feed_forward(ffn: transformer_spec.FeedForwardSpec, made: FeedForward, norm: nn.LayerNorm) -> None:
    first, last = made[0], made[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    _linear(ffn.linear_0, first)
    _linear(ffn.linear_1, last)
    _norm(ffn.layer_norm, norm)


def _linear(spec: common_spec.LinearSpec | common_spec.Conv1DSpec, made: nn.Linear | nn.Conv1d) -> None:
    spec.weight, spec.bias = _array(made.weight), _bias(made)


def _norm(spec: common_spec.LayerNormSpec, made: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = _array(made.weight), _array(made.bias)


def _bias(made: nn.Linear | nn.Conv1d) -> NDArray[np.float32]:
    return np.zeros(len(made.weight), dtype=np.float32) if made.bias is None else _array(made.bias)


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().numpy().astype(np.float32)
    return array
