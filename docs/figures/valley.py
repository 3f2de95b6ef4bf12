"""n_clusters="auto": the merges, and the depth of the valley between two clusters."""

import matplotlib.pyplot as plt
from sklearn.datasets import make_blobs

from skdeepclust import LandmarkSpectralClustering
from skdeepclust.displays import LatentSpaceDisplay

X, _ = make_blobs(900, 2, centers=6, cluster_std=0.9, random_state=11)
spectral = LandmarkSpectralClustering("auto", random_state=0).fit(X)
merges = spectral.merge_history_
figure = plt.figure(figsize=(9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
LatentSpaceDisplay.from_embedding(X, spectral.labels_, projection=None, ax=left)
left.set_title(f"{spectral.n_clusters_} clusters were found")
names = [f"{step['n_clusters'] + 1} to {step['n_clusters']}" for step in merges]
bars = right.bar(names, [step["score"] for step in merges], color="#0072B2")
pairs = [" + ".join(str(c) for c in step["clusters"]) for step in merges]
right.bar_label(bars, pairs, fontsize=9)
right.axhline(4.5, color="#D55E00", ls="--")
right.set_title("Below the line they would be one", color="#D55E00")
right.set(xlabel="the next merges", ylabel="depth of the valley")
right.spines[["top", "right"]].set_visible(False)
