"""CAM++, a network that makes a vector of a voice, in nothing but matrix products.

Two-dimensional convolutions, then blocks of densely connected time-delay layers that are masked by their context, then
mean and deviation over time. Source: Wang et al., CAM++: A Fast and Efficient Network for Speaker Verification Using
Context-Aware Masking (2023), and ``speakerlab/models/campplus`` of 3D-Speaker (Apache-2.0).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auricle.engines.speakers.protocol import Embedding

Array = NDArray[np.float32]
BLOCKS: Final = ((12, 1), (24, 2), (16, 2))
"""Layers of each block, and the dilation of their kernels of three."""
CONTEXT: Final = 100
"""Frames over which a context is averaged: 2 s."""
NORM_EPSILON: Final = 1e-5


class CamPlusPlus:
    """Made of weights by their names in PyTorch's state. Raises `KeyError` or `ValueError` where they are others."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = weights
        self._norms = {
            name.removesuffix(".running_mean"): _scale_and_shift(weights, name.removesuffix(".running_mean"))
            for name in weights
            if name.endswith(".running_mean")
        }

    def __call__(self, bands: Array) -> Embedding:
        """Return the vector, of length 1, for mel bands of shape ``(frames, 80)``."""
        x = self._head(bands.T[np.newaxis])
        x = _relu(
            self._norm(self._conv(x, "xvector.tdnn.linear", width=5, stride=2), "xvector.tdnn.nonlinear.batchnorm")
        )
        for block, (layers, dilation) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                x = np.concatenate([x, self._dense(x, f"xvector.block{block}.tdnnd{layer}", dilation)])
            x = self._conv(
                _relu(self._norm(x, f"xvector.transit{block}.nonlinear.batchnorm")), f"xvector.transit{block}.linear"
            )
        x = _relu(self._norm(x, "xvector.out_nonlinear.batchnorm"))
        pooled = np.concatenate([x.mean(axis=1), x.std(axis=1, ddof=1)])[:, np.newaxis]
        vector = self._norm(self._conv(pooled, "xvector.dense.linear"), "xvector.dense.nonlinear.batchnorm")[:, 0]
        unit: Embedding = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit

    def _head(self, x: Array) -> Array:
        """Return bands that hear their neighbours, shape ``(channels, frames)``, from ``(1, 80, frames)``."""
        x = _relu(self._norm(self._conv_2d(x, "head.conv1"), "head.bn1"))
        for layer in ("head.layer1", "head.layer2"):
            x = self._residual(x, f"{layer}.0", stride=2)
            x = self._residual(x, f"{layer}.1", stride=1)
        x = _relu(self._norm(self._conv_2d(x, "head.conv2", stride=2), "head.bn2"))
        return x.reshape(-1, x.shape[-1])

    def _residual(self, x: Array, name: str, *, stride: int) -> Array:
        y = _relu(self._norm(self._conv_2d(x, f"{name}.conv1", stride=stride), f"{name}.bn1"))
        y = self._norm(self._conv_2d(y, f"{name}.conv2"), f"{name}.bn2")
        if f"{name}.shortcut.0.weight" in self._weights:
            x = self._norm(self._conv_2d(x, f"{name}.shortcut.0", width=1, stride=stride), f"{name}.shortcut.1")
        return _relu(y + x)

    def _dense(self, x: Array, name: str, dilation: int) -> Array:
        """Return what a layer adds: its kernel over time, masked by what is heard around."""
        y = self._conv(_relu(self._norm(x, f"{name}.nonlinear1.batchnorm")), f"{name}.linear1")
        y = _relu(self._norm(y, f"{name}.nonlinear2.batchnorm"))
        context = y.mean(axis=1, keepdims=True) + _stretches(y)
        hidden = _relu(self._conv(context, f"{name}.cam_layer.linear1"))
        opening = self._conv(hidden, f"{name}.cam_layer.linear2")
        heard = self._conv(y, f"{name}.cam_layer.linear_local", width=3, dilation=dilation)
        masked: Array = (heard / (1.0 + np.exp(-opening))).astype(np.float32)
        return masked

    def _norm(self, x: Array, name: str) -> Array:
        scale, shift = self._norms[name]
        shape = (-1,) + (1,) * (x.ndim - 1)
        normal: Array = x * scale.reshape(shape) + shift.reshape(shape)
        return normal

    def _conv(self, x: Array, name: str, *, width: int = 1, stride: int = 1, dilation: int = 1) -> Array:
        """Return a convolution over time of ``(channels, frames)``, as long as its input but for the stride."""
        kernel = self._weights[f"{name}.weight"].reshape(-1, len(x), width)
        reach = dilation * (width - 1) // 2
        frames = (x.shape[1] - 1) // stride + 1
        x = np.pad(x, ((0, 0), (reach, reach))) if reach else x
        y: Array = np.sum(
            [
                kernel[:, :, tap] @ x[:, tap * dilation : tap * dilation + (frames - 1) * stride + 1 : stride]
                for tap in range(width)
            ],
            axis=0,
        )
        bias = self._weights.get(f"{name}.bias")
        return y if bias is None else y + bias[:, np.newaxis]

    def _conv_2d(self, x: Array, name: str, *, width: int = 3, stride: int = 1) -> Array:
        """Return a convolution over bands and time of ``(channels, bands, frames)``; the stride is over bands."""
        reach = width // 2
        x = np.pad(x, ((0, 0), (reach, reach), (reach, reach))) if reach else x
        seen = sliding_window_view(x, (width, width), axis=(1, 2))[:, ::stride]
        bands, frames = seen.shape[1:3]
        columns = np.ascontiguousarray(seen.transpose(0, 3, 4, 1, 2)).reshape(-1, bands * frames)
        y: Array = self._weights[f"{name}.weight"].reshape(-1, len(columns)) @ columns
        return y.reshape(-1, bands, frames)


def _scale_and_shift(weights: Mapping[str, Array], name: str) -> tuple[Array, Array]:
    """Return a batch normalisation as the product and the sum that it is once it has been trained."""
    mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
    scale = weights.get(f"{name}.weight", np.float32(1.0)) / np.sqrt(variance + NORM_EPSILON)
    return scale, weights.get(f"{name}.bias", np.float32(0.0)) - mean * scale


def _stretches(x: Array) -> Array:
    """Return the mean of every stretch of `CONTEXT` frames, in each of its frames; the last one may be shorter."""
    begins = np.arange(0, x.shape[1], CONTEXT)
    lengths = np.diff(np.append(begins, x.shape[1]))
    means = np.add.reduceat(x, begins, axis=1) / lengths
    return np.repeat(means, lengths, axis=1).astype(np.float32)


def _relu(x: Array) -> Array:
    return np.maximum(x, np.float32(0.0))
