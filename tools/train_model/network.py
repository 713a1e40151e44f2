"""Whisper's network, small, as CTranslate2 computes it; plus a head that only the training uses."""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from train_model.features import MELS
from train_model.words import WORDS

ENCODER_LAYERS: Final = 3
DECODER_LAYERS: Final = 2
WIDTH: Final = 128
HEADS: Final = 4
ALIGNMENT_HEAD: Final = 0
"""Of the last decoder layer: the head that is taught to look where the word is said."""
POSITIONS: Final = 1500
TOKENS: Final = 448
"""Longest window of the encoder (frames of 20 ms) and longest sequence of the decoder."""


class Attention(nn.Module):
    """Multi-head attention; the key has no bias, as in Whisper."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH, bias=False)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def heads(self, inputs: Tensor, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (batch, heads, length, width of a head)."""

        def split(projected: Tensor) -> Tensor:
            return projected.view(*projected.shape[:-1], HEADS, WIDTH // HEADS).transpose(1, 2)

        return split(self.query(inputs)), split(self.key(source)), split(self.value(source))

    def forward(self, inputs: Tensor, source: Tensor, *, causal: bool = False) -> Tensor:
        """Return what ``inputs`` finds in ``source``."""
        query, key, value = self.heads(inputs, source)
        found = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        mixed: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return mixed

    def forward_seen(self, inputs: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same, and the logarithm of the weights of every head."""
        query, key, value = self.heads(inputs, source)
        weights = torch.log_softmax(query @ key.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5, dim=-1)
        found = weights.exp() @ value
        return self.out(found.transpose(1, 2).flatten(2)), weights


class FeedForward(nn.Sequential):
    """Two layers, four times as wide between them."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))


class EncoderLayer(nn.Module):
    """Attention among the frames."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.ffn_norm, self.ffn = nn.LayerNorm(WIDTH), FeedForward()

    def forward(self, states: Tensor) -> Tensor:
        """Return the states one layer on."""
        normed = self.attention_norm(states)
        states = states + self.attention(normed, normed)
        added: Tensor = self.ffn(self.ffn_norm(states))
        return states + added


class DecoderLayer(nn.Module):
    """Attention among the tokens so far, then from them to the frames."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.cross_norm, self.cross = nn.LayerNorm(WIDTH), Attention()
        self.ffn_norm, self.ffn = nn.LayerNorm(WIDTH), FeedForward()

    def forward(self, states: Tensor, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states one layer on and the logarithm of the weights of the cross-attention."""
        normed = self.attention_norm(states)
        states = states + self.attention(normed, normed, causal=True)
        found, weights = self.cross.forward_seen(self.cross_norm(states), encoded)
        states = states + found
        return states + self.ffn(self.ffn_norm(states)), weights


class Outputs(NamedTuple):
    """What the training looks at."""

    tokens: Tensor
    """Logits of the next token, (batch, tokens, vocabulary)."""
    words: Tensor
    """Logits of the word said in each frame, (batch, frames, 1 + words); 0 is none."""
    looks: Tensor
    """Logarithm of the alignment head's weights, (batch, tokens, frames)."""


class Network(nn.Module):
    """The whole model."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.register_buffer("frame_positions", sinusoids())
        self.encoder = nn.ModuleList(EncoderLayer() for _ in range(ENCODER_LAYERS))
        self.encoder_norm = nn.LayerNorm(WIDTH)
        self.word_head = nn.Linear(WIDTH, 1 + len(WORDS))
        self.embedding = nn.Embedding(vocabulary, WIDTH)
        self.token_positions = nn.Parameter(torch.randn(TOKENS, WIDTH) * 0.01)
        self.decoder = nn.ModuleList(DecoderLayer() for _ in range(DECODER_LAYERS))
        self.decoder_norm = nn.LayerNorm(WIDTH)
        nn.init.normal_(self.embedding.weight, std=0.05)

    def encode(self, mels: Tensor) -> Tensor:
        """Return (batch, frames, width) for normalised mels (batch, mels, 2 x frames)."""
        states = F.gelu(self.conv2(F.gelu(self.conv1(mels)))).transpose(1, 2)
        states = states + self.get_buffer("frame_positions")[: states.shape[1]]
        for layer in self.encoder:
            states = layer(states)
        encoded: Tensor = self.encoder_norm(states)
        return encoded

    def forward(self, mels: Tensor, tokens: Tensor) -> Outputs:
        """Return the logits behind every token of ``tokens`` (batch, length)."""
        encoded = self.encode(mels)
        states = self.embedding(tokens) + self.token_positions[: tokens.shape[1]]
        weights = states
        for layer in self.decoder:
            states, weights = layer(states, encoded)
        logits = self.decoder_norm(states) @ self.embedding.weight.T
        return Outputs(logits, self.word_head(encoded), weights[:, ALIGNMENT_HEAD])


def sinusoids() -> Tensor:
    """Return Whisper's fixed positions of the frames."""
    increments = torch.exp(-torch.arange(WIDTH // 2) * (torch.log(torch.tensor(10_000.0)) / (WIDTH // 2 - 1)))
    angles = torch.arange(POSITIONS)[:, None] * increments[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)
