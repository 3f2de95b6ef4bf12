"""The target distribution of a whole data set, as an update remembers it."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from skdeepclust._functional import soft_assignment, target_distribution

__all__ = ["LabelTarget", "WholeTarget", "split_codes"]

# So many values of soft assignments are worked out at once: more would take memory, and
# no less time.
_VALUES_AT_ONCE = 2**18

# Up to so many values (16 MiB) the target is kept; above, rows are worked out when a
# batch asks for them. The result is the same to the bit.
_MOST_KEPT = 2**22


def split_codes(Z: Tensor, n_clusters: int) -> tuple[Tensor, ...]:
    """Blocks of rows whose soft assignments are worked out at once."""
    return Z.split(max(1, _VALUES_AT_ONCE // n_clusters))


class LabelTarget:
    """Target distribution that is a given clustering, by rows.

    Parameters
    ----------
    labels : Tensor of shape (n_samples,)
        Cluster of every sample.
    n_clusters : int
        Number of clusters.
    """

    def __init__(self, labels: Tensor, n_clusters: int):
        self.labels = labels
        self._n_clusters = n_clusters

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows of the target at the positions `index`: 1 in one column, else 0."""
        return one_hot(self.labels[index], self._n_clusters).to(torch.float32)


class WholeTarget:
    """Target distribution of the whole data set, given by rows.

    The target of a sample follows from its code, the centres and the column sums of the
    soft assignments of all samples. That is all that is remembered: nothing with a
    value for each of n samples and k clusters, unless it is small.

    Parameters
    ----------
    Z : Tensor of shape (n_samples, embedding_dim)
        Codes of all samples. They are kept, not copied.
    centers : Tensor of shape (n_clusters, embedding_dim)
        Centres of this moment.
    alpha : float
        Degrees of freedom of the Student-t kernel.

    Attributes
    ----------
    labels : Tensor of shape (n_samples,)
        Most probable cluster of every sample.
    frequencies : Tensor of shape (n_clusters,)
        Column sums of the soft assignments.
    """

    def __init__(self, Z: Tensor, centers: Tensor, alpha: float):
        self._Z = Z
        self._centers = centers.detach().clone()
        self._alpha = alpha
        keeps = len(Z) * len(centers) <= _MOST_KEPT
        sums = torch.zeros(len(centers), dtype=torch.float64)
        self.labels = torch.empty(len(Z), dtype=torch.int64, device=Z.device)
        assignments = []
        for block, labels in zip(
            split_codes(Z, len(centers)),
            split_codes(self.labels, len(centers)),
            strict=True,
        ):
            Q = self._assign(block)
            sums += Q.sum(dim=0).cpu()
            torch.argmax(Q, dim=1, out=labels)
            if keeps:
                assignments.append(Q)
        self.frequencies = sums.to(Z)
        self._rows: Tensor | None = None
        if keeps:
            Q = torch.cat(assignments)
            self._rows = target_distribution(Q, self.frequencies)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows of the target at the positions `index`."""
        if self._rows is not None:
            return self._rows[index]
        return target_distribution(self._assign(self._Z[index]), self.frequencies)

    def _assign(self, Z: Tensor) -> Tensor:
        return soft_assignment(Z, self._centers, self._alpha)
