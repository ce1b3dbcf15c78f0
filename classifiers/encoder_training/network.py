"""The encoder as torch trains it: the layers that the served graph has, one head, and a dropout before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifiers.encoder_training.weights import Weights


class Layer(nn.Module):
    """One transformer layer, norms after the sums, as in BERT."""

    def __init__(self, width: int, inner: int, heads: int, epsilon: float) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, epsilon), nn.LayerNorm(width, epsilon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, pieces, width) -> the same shape."""
        rows, pieces, width = x.shape
        depth = width // self.heads
        query, key, value = self.qkv(x).view(rows, pieces, 3, self.heads, depth).permute(2, 0, 3, 1, 4).unbind(0)
        # torch's fused attention costs a third of a whole training step on a CPU, in its backward pass.
        share = ((query * depth**-0.5) @ key.transpose(-1, -2)).softmax(-1).to(value.dtype)
        mixed = (share @ value).transpose(1, 2).reshape(rows, pieces, width)
        x = self.norm1(x + self.out(mixed))
        return self.norm2(x + self.down(functional.gelu(self.up(x))))


class Network(nn.Module):
    """Word pieces of shape (rows, pieces), all of one length, to logits of shape (rows, labels)."""

    def __init__(self, weights: Weights, labels: int) -> None:
        super().__init__()
        width = weights.positions.shape[1]
        inner = len(weights.state["layers.0.up.bias"])
        self.words = nn.Embedding.from_pretrained(torch.from_numpy(weights.words), freeze=True)
        self.register_buffer("positions", torch.from_numpy(weights.positions.copy()))
        self.norm = nn.LayerNorm(width, weights.epsilon).requires_grad_(False)  # noqa: FBT003
        self.layers = nn.ModuleList(Layer(width, inner, weights.heads, weights.epsilon) for _ in range(weights.layers))
        self.head = nn.Linear(width, labels)
        self.vector = nn.Linear(width, width)  # to the vector of a teacher; learned beside the head, never served
        mine = {name: torch.from_numpy(value.copy()) for name, value in weights.state.items()}
        mine = {name: value for name, value in mine.items() if value.shape == self.state_dict()[name].shape}
        self.load_state_dict(mine, strict=False)

    def forward(self, ids: torch.Tensor, dropout: float = 0.0) -> torch.Tensor:
        """Logits; `dropout` is the share of the mean vector that the head does not see."""
        return self.head(functional.dropout(self.sentence(ids), dropout))

    def sentence(self, ids: torch.Tensor) -> torch.Tensor:
        """Mean of the last layer over the pieces, (rows, width)."""
        x = self.norm(self.words(ids) + self.positions[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x)
        return x.float().mean(1)

    def trained(self) -> dict[str, NDArray[np.float32]]:
        """What `Weights.state` holds."""
        fixed = ("words.", "positions", "vector.")
        return {name: value.numpy().copy() for name, value in self.state_dict().items() if not name.startswith(fixed)}
