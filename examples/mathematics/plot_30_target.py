"""
q and p against distance
========================

Three clusters on a line: two near each other with many samples, one far away with few.
``target_distribution`` sharpens the soft assignments q to the target p. Training pulls
a sample towards a centre where p is above q, and away from it where p is below.
"""

import matplotlib.pyplot as plt
import numpy as np

from skdeepclust import soft_assignment, target_distribution

rng = np.random.default_rng(0)
centers = np.array([[0.0], [3.0], [9.0]])
samples = np.concatenate(
    [
        rng.normal(center, 0.8, (size, 1))
        for center, size in zip(centers, (400, 400, 60), strict=True)
    ]
)
place = np.linspace(-3, 12, 600)[:, None]
frequencies = soft_assignment(samples, centers).sum(axis=0)
Q = soft_assignment(place, centers)
P = target_distribution(Q, frequencies=frequencies)

figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
for j, color in enumerate(("#0072B2", "#E69F00", "#009E73")):
    ax.plot(place, Q[:, j], ":", color=color)
    ax.plot(place, P[:, j], color=color, label=f"centre {j}, f = {frequencies[j]:.0f}")
    ax.fill_between(place[:, 0], Q[:, j], P[:, j], color=color, alpha=0.15)
ax.plot(samples, np.full(len(samples), -0.06), "|", color="0.4", alpha=0.3)
ax.set(xlabel="place of a sample", title="q dotted, p solid", ylim=(-0.12, 1.05))
_ = ax.legend()
