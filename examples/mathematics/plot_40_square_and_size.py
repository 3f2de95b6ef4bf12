"""
What squaring does, and what dividing by the cluster's size does
================================================================

One sample and two clusters. Squaring moves every assignment away from one half. The
division by the size f moves the point where nothing changes: a sample must be surer of
a large cluster to be pulled into it. This is the balance that DEC assumes.
"""

import matplotlib.pyplot as plt
import numpy as np

from skdeepclust import target_distribution

q = np.linspace(0, 1, 201)
Q = np.column_stack([q, 1 - q])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(q, q, color="0.6", label="q itself")
styles = {1: ("-", "#0072B2"), 4: ("--", "#E69F00"), 19: (":", "#D55E00")}
for ratio, (line, color) in styles.items():
    P = target_distribution(Q, frequencies=[ratio, 1])
    name = "equal sizes: squared only" if ratio == 1 else f"{ratio} times the size"
    left.plot(q, P[:, 0], line, color=color, label=name)
    right.plot(q, P[:, 0] - q, line, color=color)
    balance = ratio / (1 + ratio)
    right.plot(balance, 0, "o", color=color, clip_on=False)
left.set(xlabel="q of the first cluster", ylabel="p", title="Target")
right.axhline(0, color="0.6", zorder=0)
right.set(xlabel="q of the first cluster", ylabel="p - q", title="Pull of the training")
_ = left.legend()
