r"""
Kullback-Leibler divergence: asymmetric, and in bits
====================================================

``clustering_kl(P, Q)`` is the mean over rows of :math:`\sum_j p_j \log(p_j / q_j)`.
Here a row is a Gaussian, cut into narrow bins. Divided by :math:`\log 2` it is in bits:
the extra cost per value of encoding values of P by a code made for Q.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

from skdeepclust import clustering_kl

x = np.linspace(-12, 12, 4801)


def gaussian(mean, width):
    density = norm(mean, width).pdf(x)
    return (density / density.sum())[None]


def bits(P, Q):
    return clustering_kl(P, Q) / np.log(2)


narrow, wide, means = gaussian(1, 0.7), gaussian(0, 2), np.linspace(0, 5, 50)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name, P, color in (("P", narrow, "#0072B2"), ("Q", wide, "#E69F00")):
    left.fill_between(x, P[0] / (x[1] - x[0]), alpha=0.4, color=color, label=name)
values = bits(narrow, wide), bits(wide, narrow)
left.set(xlim=(-6, 6), title="KL(P|Q) {:.2f}, KL(Q|P) {:.2f} bits".format(*values))
forth = [bits(gaussian(m, 0.7), wide) for m in means]
back = [bits(wide, gaussian(m, 0.7)) for m in means]
right.semilogy(means, forth, color="#0072B2", label="KL(P|Q): Q covers P")
right.semilogy(means, back, "--", color="#D55E00", label="KL(Q|P): P misses most of Q")
right.set(xlabel="mean of P", ylabel="bits", title="The order matters")
_ = left.legend(), right.legend()
