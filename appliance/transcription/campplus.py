"""CAM++, a speaker model, in numpy: features of an utterance become a vector that is near for one voice.

The network is Wang, Zheng, Chen, Cheng and Chen, "CAM++: A Fast and Efficient Network for Speaker Verification Using
Context-Aware Masking" (Interspeech 2023): a small residual network over time and frequency, then three blocks of
densely connected time-delay layers, each masked by what the whole utterance and its 100-frame segment sound like.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Layers of the three blocks, and how far apart the taps of their kernels lie.
_BLOCKS = ((12, 1), (24, 2), (16, 2))
_SEGMENT = 100
_BATCH_NORM_EPSILON = 1e-5


class SpeakerNet:
    """The weights, with their normalisations folded once. Raises KeyError where one is missing."""

    def __init__(self, tensors: Mapping[str, Array]) -> None:
        self._tensors = tensors
        self._convolutions: dict[str, tuple[Array, Array]] = {}
        for layer in ("head.conv1", "head.conv2"):
            self._fold(layer, layer.replace("conv", "bn"))
        for block in ("head.layer1.0", "head.layer1.1", "head.layer2.0", "head.layer2.1"):
            self._fold(f"{block}.conv1", f"{block}.bn1")
            self._fold(f"{block}.conv2", f"{block}.bn2")
            if block.endswith("0"):
                self._fold(f"{block}.shortcut.0", f"{block}.shortcut.1")
        names = {name.removesuffix(".running_mean") for name in tensors if name.endswith(".running_mean")}
        self._norms = {name: self._norm(name) for name in names if name.startswith("xvector.")}

    def _norm(self, name: str) -> tuple[Array, Array]:
        """Return scale and shift of a batch normalisation, as columns. The last one learned none of its own."""
        found = self._tensors
        scale = found.get(f"{name}.weight", 1.0) / np.sqrt(found[f"{name}.running_var"] + _BATCH_NORM_EPSILON)
        shift = found.get(f"{name}.bias", 0.0) - found[f"{name}.running_mean"] * scale
        return scale[:, None].astype(np.float32), shift[:, None].astype(np.float32)

    def _fold(self, layer: str, norm: str) -> None:
        scale, shift = self._norm(norm)
        self._convolutions[layer] = self._tensors[f"{layer}.weight"] * scale[..., None, None], shift

    def _spread(self, sound: Array, layer: str, stride: int = 1) -> Array:
        """A convolution over (channels, bins, frames) with padding; `stride` is over bins only."""
        kernel, shift = self._convolutions[layer]
        if kernel.shape[2] == 1:
            seen = sound[:, ::stride]
            bins = seen.shape[1]
            columns = seen.reshape(len(seen), -1)
        else:
            padded = np.pad(sound, ((0, 0), (1, 1), (1, 1)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::stride]
            bins = windows.shape[1]
            columns = windows.transpose(0, 3, 4, 1, 2).reshape(len(sound) * 9, -1)
        return np.asarray(kernel.reshape(len(kernel), -1) @ columns + shift).reshape(len(kernel), bins, -1)

    def _residual(self, sound: Array, block: str) -> Array:
        stride = 2 if block.endswith("0") else 1
        inner = np.maximum(self._spread(sound, f"{block}.conv1", stride), 0)
        inner = self._spread(inner, f"{block}.conv2")
        inner += self._spread(sound, f"{block}.shortcut.0", stride) if stride == 2 else sound
        return np.maximum(inner, 0)

    def _rectified(self, rows: Array, norm: str) -> Array:
        scale, shift = self._norms[f"{norm}.batchnorm"]
        return np.maximum(rows * scale + shift, 0)

    def _pointwise(self, rows: Array, layer: str) -> Array:
        return np.asarray(self._tensors[f"{layer}.weight"][:, :, 0] @ rows)

    def _dense(self, rows: Array, layer: str, apart: int) -> Array:
        """One densely connected layer: 32 more channels, masked by their context."""
        inner = self._pointwise(self._rectified(rows, f"{layer}.nonlinear1"), f"{layer}.linear1")
        inner = self._rectified(inner, f"{layer}.nonlinear2")
        frames = inner.shape[1]
        padded = np.pad(inner, ((0, 0), (apart, apart)))
        taps = self._tensors[f"{layer}.cam_layer.linear_local.weight"]
        local = sum(taps[:, :, tap] @ padded[:, tap * apart : tap * apart + frames] for tap in range(3))
        starts = np.arange(0, frames, _SEGMENT)
        segments = np.add.reduceat(inner, starts, axis=1) / np.minimum(_SEGMENT, frames - starts).astype(np.float32)
        context = inner.mean(axis=1, keepdims=True) + segments
        for step in ("linear1", "linear2"):
            bias = self._tensors[f"{layer}.cam_layer.{step}.bias"][:, None]
            context = self._pointwise(context, f"{layer}.cam_layer.{step}") + bias
            if step == "linear1":
                context = np.maximum(context, 0)
        mask = 1.0 / (1.0 + np.exp(-context))
        return np.concatenate([rows, local * np.repeat(mask, _SEGMENT, axis=1)[:, :frames]])

    def embed(self, features: Array) -> Array:
        """Return the vector (192,), of length one, of features (frames, 80) with their mean taken off.

        At least 4 frames: the deviation over time needs two behind the first layer's step of two.
        """
        sound = np.maximum(self._spread(features.T[None], "head.conv1"), 0)
        for block in ("head.layer1.0", "head.layer1.1", "head.layer2.0", "head.layer2.1"):
            sound = self._residual(sound, block)
        sound = np.maximum(self._spread(sound, "head.conv2", 2), 0)
        rows = sound.reshape(-1, sound.shape[2])
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(rows, ((0, 0), (2, 2))), 5, axis=1)[:, ::2]
        kernel = self._tensors["xvector.tdnn.linear.weight"]
        rows = kernel.reshape(len(kernel), -1) @ windows.transpose(0, 2, 1).reshape(-1, windows.shape[1])
        rows = self._rectified(rows, "xvector.tdnn.nonlinear")
        for block_number, (layers, apart) in enumerate(_BLOCKS, 1):
            for layer in range(1, layers + 1):
                rows = self._dense(rows, f"xvector.block{block_number}.tdnnd{layer}", apart)
            transit = f"xvector.transit{block_number}"
            rows = self._pointwise(self._rectified(rows, f"{transit}.nonlinear"), f"{transit}.linear")
        rows = self._rectified(rows, "xvector.out_nonlinear")
        pooled = np.concatenate([rows.mean(axis=1), rows.std(axis=1, ddof=1)])[:, None]
        scale, shift = self._norms["xvector.dense.nonlinear.batchnorm"]
        found = (self._pointwise(pooled, "xvector.dense.linear") * scale + shift)[:, 0]
        return np.asarray(found / max(float(np.linalg.norm(found)), 1e-12))
