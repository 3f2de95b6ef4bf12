"""
The Student kernel against the Gaussian
=======================================

``soft_assignment`` measures by a Student-t kernel with `alpha` degrees of freedom. With
many of them it is a Gaussian. The heavy tail of ``alpha=1`` keeps a pull on far
samples, and a sample far from all centres stays undecided.
"""

import matplotlib.pyplot as plt
import numpy as np

from skdeepclust import soft_assignment

centers = np.array([[0.0], [4.0]])
place = np.linspace(-8, 12, 401)[:, None]
distance = np.linspace(0, 6, 200)
styles = {1: ("-", "#0072B2"), 5: ("--", "#009E73"), 1000: (":", "#D55E00")}

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for alpha, (line, color) in styles.items():
    name = "alpha = 1000, a Gaussian" if alpha == 1000 else f"alpha = {alpha}"
    kernel = (1 + distance**2 / alpha) ** (-(alpha + 1) / 2)
    left.semilogy(distance, kernel, line, color=color, label=name)
    q = soft_assignment(place, centers, alpha=alpha)[:, 0]
    right.plot(place, q, line, color=color)
left.set(xlabel="distance to the centre", title="Kernel", ylim=(1e-7, 2))
right.set(xlabel="place of the sample", ylabel="q", title="Soft assignment to centre 0")
for center in centers[:, 0]:
    right.axvline(center, color="0.7", zorder=0)
_ = left.legend()
