"""A linear-chain conditional random field (Lafferty et al., 2001) over batches.

`transitions` float32 (labels + 2, labels + 2): row from, column to; row `labels` leaves the start,
column `labels + 1` reaches the end.
"""

import torch
from torch import Tensor


def log_likelihood(emissions: Tensor, labels: Tensor, mask: Tensor, transitions: Tensor) -> Tensor:
    """Log probability of each row's labels, float32 (batch,).

    emissions  float32 (batch, words, labels)
    labels     int64 (batch, words)
    mask       bool (batch, words); the first word of a row is always real
    """
    emissions = emissions.float()
    return _path_score(emissions, labels, mask, transitions) - normaliser(
        emissions, mask, transitions[None]
    )


def viterbi(emissions: Tensor, mask: Tensor, transitions: Tensor) -> Tensor:
    """The best path of each row, int64 (batch, words); what is masked repeats the last label."""
    count = emissions.shape[2]
    inner, start, end = transitions[:count, :count], transitions[count], transitions[:, count + 1]
    best = start[:count] + emissions[:, 0]
    back = []
    for t in range(1, emissions.shape[1]):
        scores, origin = (best[:, :, None] + inner).max(1)
        here = mask[:, t, None]
        back.append(torch.where(here, origin, torch.arange(count).expand_as(origin)))
        best = torch.where(here, scores + emissions[:, t], best)
    label = (best + end[:count]).argmax(1)
    path = [label]
    for origin in reversed(back):
        label = origin.gather(1, label[:, None])[:, 0]
        path.append(label)
    return torch.stack(path[::-1], 1)


def _path_score(emissions: Tensor, labels: Tensor, mask: Tensor, transitions: Tensor) -> Tensor:
    count = emissions.shape[2]
    real = mask.float()
    emitted = (emissions.gather(2, labels[:, :, None])[:, :, 0] * real).sum(1)
    moved = (transitions[labels[:, :-1], labels[:, 1:]] * real[:, 1:]).sum(1)
    last = labels.gather(1, mask.sum(1, keepdim=True) - 1)[:, 0]
    return emitted + moved + transitions[count, labels[:, 0]] + transitions[last, count + 1]


def normaliser(emissions: Tensor, mask: Tensor, transitions: Tensor) -> Tensor:
    """Log of the sum over all paths of their exponentiated scores, float32 (batch,).

    transitions  one for all texts or one for each, float32 (1 or batch, labels + 2, labels + 2)
    """
    count = emissions.shape[2]
    inner = transitions[:, :count, :count]
    start, end = transitions[:, count, :count], transitions[:, :count, count + 1]
    total = start + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        longer = torch.logsumexp(total[:, :, None] + inner, 1) + emissions[:, t]
        total = torch.where(mask[:, t, None], longer, total)
    return torch.logsumexp(total + end, 1)
