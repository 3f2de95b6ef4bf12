"""
One step of joint training, with arrows
=======================================

The clustering loss moves samples and centres. The arrows are minus its gradient, taken
by torch through ``soft_assignment``; the target is a constant. Samples at a middle
distance are pulled most. On a centre nothing pulls, and far away the kernel is flat.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from skdeepclust import clustering_kl, soft_assignment, target_distribution

rng = np.random.default_rng(1)
middles = np.array([[0.0, 0.0], [3.2, 0.4], [1.4, 2.8]])
points = np.concatenate([rng.normal(m, 0.75, (30, 2)) for m in middles])
Z = torch.tensor(points, requires_grad=True)
centers = torch.tensor(middles + rng.normal(0, 0.5, (3, 2)), requires_grad=True)
Q = soft_assignment(Z, centers)
loss = clustering_kl(target_distribution(Q.detach()), Q)
loss.backward()

figure, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
colors = np.array(["#0072B2", "#E69F00", "#009E73"])[Q.argmax(dim=1)]
for place, gradient, color, scale in (
    (points, Z.grad.numpy(), colors, 0.012),
    (centers.detach().numpy(), centers.grad.numpy(), "black", 0.15),
):
    ax.scatter(*place.T, s=14 if color is colors else 90, color=color, marker="o")
    style = {"angles": "xy", "scale_units": "xy", "width": 0.003, "color": color}
    ax.quiver(*place.T, *-gradient.T, scale=scale, **style)
title = f"KL = {loss.item():.3f} nats; black: centres, with shorter arrows"
_ = ax.set(title=title, xticks=[], yticks=[], aspect="equal")
