"""
t-SNE, and what it is not evidence of
=====================================

Left: one cloud without any groups, at three perplexities, coloured by k-means. Small
perplexities make islands of nothing, and colours always look convincing. Right: three
groups, one of them ten times as wide, two of them close together. The widths become
equal, and the gaps say nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE

from skdeepclust.displays import LatentSpaceDisplay

rng = np.random.default_rng(0)
cloud = rng.normal(size=(400, 3))
middles, widths = np.eye(3, 20) * [[0], [8], [80]], (0.3, 0.3, 3)
groups = np.concatenate(
    [
        rng.normal(middle, width, (130, 20))
        for middle, width in zip(middles, widths, strict=True)
    ]
)
kmeans = KMeans(6, n_init=5, random_state=0).fit_predict(cloud)
names = np.repeat(["narrow 1", "narrow 2", "wide, far"], 130)

figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
for ax, perplexity in zip(axes[:3], (3, 10, 50), strict=True):
    tsne = TSNE(perplexity=perplexity, random_state=0)
    LatentSpaceDisplay.from_embedding(cloud, kmeans, projection=tsne, ax=ax)
    ax.set(title=f"one cloud, perplexity {perplexity}", xlabel="", ylabel="")
    ax.get_legend().remove()
LatentSpaceDisplay.from_embedding(groups, names, ax=axes[3])
axes[3].get_legend().set_title("group")
_ = axes[3].set(title="three groups, perplexity 30", xlabel="", ylabel="")
