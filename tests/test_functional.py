"""The mathematics, against values that come from elsewhere than torch."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import entropy
from scipy.stats import t as student_t

from skdeepclust import clustering_kl, soft_assignment, target_distribution


@pytest.fixture
def points():
    rng = np.random.RandomState(0)
    return rng.normal(size=(7, 3)), rng.normal(size=(4, 3))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0, 30.0])
def test_soft_assignment_is_a_ratio_of_student_densities(points, alpha):
    Z, centers = points
    density = student_t(df=alpha).pdf(cdist(Z, centers))
    expected = density / density.sum(axis=1, keepdims=True)
    Q = soft_assignment(torch.tensor(Z), torch.tensor(centers), alpha)
    np.testing.assert_allclose(Q.numpy(), expected, rtol=1e-12)


def test_soft_assignment_exactly():
    # Squared distances 0, 4 and 25 from the origin: kernels 1, 1/5 and 1/26.
    kernels = [Fraction(1), Fraction(1, 5), Fraction(1, 26)]
    expected = [float(kernel / sum(kernels)) for kernel in kernels]
    centers = torch.tensor([[0, 0], [0, 2], [3, 4]], dtype=torch.float64)
    Q = soft_assignment(torch.zeros(1, 2, dtype=torch.float64), centers)
    np.testing.assert_allclose(Q[0].numpy(), expected, rtol=1e-14)


def test_target_distribution_exactly():
    rows = [
        [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)],
        [Fraction(1, 10), Fraction(2, 10), Fraction(7, 10)],
    ]
    frequency = [sum(column) for column in zip(*rows, strict=True)]
    expected = []
    for row in rows:
        weights = [q * q / f for q, f in zip(row, frequency, strict=True)]
        expected.append([float(w / sum(weights)) for w in weights])
    Q = torch.tensor([[float(q) for q in row] for row in rows], dtype=torch.float64)
    np.testing.assert_allclose(target_distribution(Q).numpy(), expected, rtol=1e-14)


def test_clustering_kl_is_the_mean_relative_entropy(points):
    rng = np.random.RandomState(1)
    P, Q = rng.dirichlet(np.ones(4), 6), rng.dirichlet(np.ones(4), 6)
    expected = np.mean([entropy(p, q) for p, q in zip(P, Q, strict=True)])
    divergence = clustering_kl(torch.tensor(P), torch.tensor(Q))
    assert float(divergence) == pytest.approx(expected, rel=1e-12)


def test_clustering_kl_of_equals_is_zero():
    Q = torch.full((5, 4), 0.25)
    assert float(clustering_kl(Q, Q)) == pytest.approx(0, abs=1e-7)


def test_gradients(points):
    Z, centers = (torch.tensor(a, requires_grad=True) for a in points)
    assert torch.autograd.gradcheck(soft_assignment, (Z, centers))
    Q = soft_assignment(Z, centers).detach().requires_grad_()
    assert torch.autograd.gradcheck(target_distribution, (Q,))
    P = target_distribution(Q).detach()
    assert torch.autograd.gradcheck(lambda Q: clustering_kl(P, Q), (Q,))
    assert torch.autograd.gradcheck(
        lambda Z, centers: clustering_kl(P, soft_assignment(Z, centers)), (Z, centers)
    )


def test_gradient_where_a_point_is_its_centre(points):
    centers = torch.tensor(points[1], requires_grad=True)
    Z = torch.tensor(points[1][:2].copy(), requires_grad=True)
    assert torch.autograd.gradcheck(soft_assignment, (Z, centers), atol=1e-5)


def test_the_target_takes_no_gradient():
    P = torch.tensor([[0.3, 0.7]], requires_grad=True)
    Q = torch.tensor([[0.5, 0.5]], requires_grad=True)
    clustering_kl(P, Q).backward()
    assert P.grad is None
    assert Q.grad is not None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("alpha", [1.0, 10.0])
@pytest.mark.parametrize("distance", [0.0, 1e10, 1e30])
def test_safe_at_extreme_distances(dtype, alpha, distance):
    Z = torch.tensor([[distance, 0.0], [0.0, 0.0]], dtype=dtype, requires_grad=True)
    centers = torch.tensor([[0.0, 0.0], [0.0, 1.0]], dtype=dtype, requires_grad=True)
    Q = soft_assignment(Z, centers, alpha)
    P = target_distribution(Q.detach())
    clustering_kl(P, Q).backward()
    for tensor in (Q, P, Z.grad, centers.grad):
        assert torch.isfinite(tensor).all()
    torch.testing.assert_close(Q.sum(dim=1), torch.ones(2, dtype=dtype))
    torch.testing.assert_close(P.sum(dim=1), torch.ones(2, dtype=dtype))
    if distance:  # from there both centres are equally far
        torch.testing.assert_close(Q[0], torch.full((2,), 0.5, dtype=dtype))


def test_near_and_far_centre_together():
    Z = torch.zeros(1, 2)
    centers = torch.tensor([[0.0, 0.0], [1e10, 0.0]], requires_grad=True)
    Q = soft_assignment(Z, centers, alpha=10.0)  # the far kernel is 1e-110: underflow
    clustering_kl(target_distribution(Q.detach()), Q).backward()
    assert Q[0, 0] == 1
    assert torch.isfinite(centers.grad).all()


def test_an_empty_column_stays_empty():
    Q = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    torch.testing.assert_close(target_distribution(Q), Q)


def test_assignment_survives_a_drift_from_the_origin(points):
    Z, centers = (torch.tensor(a, dtype=torch.float32) for a in points)
    near = soft_assignment(Z, centers).argmax(dim=1)
    far = soft_assignment(Z + 1000, centers + 1000).argmax(dim=1)
    assert torch.equal(near, far)


def test_rows_do_not_depend_on_each_other(points):
    Z, centers = (torch.tensor(a, dtype=torch.float32) for a in points)
    Q = soft_assignment(Z, centers)
    for i in range(len(Z)):
        assert torch.equal(soft_assignment(Z[i : i + 1], centers)[0], Q[i])


def test_a_tiny_embedding_keeps_its_order():
    # 1 + 1e-6 would round the difference away; log1p does not.
    centers = torch.tensor([[1.1e-3, 0.0], [1e-3, 0.0], [0.9e-3, 0.0]])
    assert soft_assignment(torch.zeros(1, 2), centers).argmax() == 2


MATRIX = torch.full((3, 2), 0.5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: soft_assignment("rows", MATRIX), TypeError, "Z must be a t.*got str"),
        (lambda: soft_assignment([["a"]], [[1.0]]), TypeError, "Z must be.*got list"),
        (lambda: soft_assignment([[1], [1, 2]], MATRIX), TypeError, "Z must be.*list"),
        (lambda: soft_assignment(MATRIX, [[1.0]]), ValueError, "differ in width"),
        (lambda: soft_assignment(MATRIX.long(), MATRIX), TypeError, r"Z.*Z\.float\(\)"),
        (lambda: soft_assignment(MATRIX, MATRIX.T), ValueError, "differ in width"),
        (lambda: soft_assignment(MATRIX[:0], MATRIX), ValueError, r"Z .*\(0, 2\)"),
        (lambda: soft_assignment(MATRIX, MATRIX[:0]), ValueError, "centers must be a"),
        (lambda: soft_assignment(MATRIX[0], MATRIX), ValueError, r"Z must be a matrix"),
        (lambda: soft_assignment(MATRIX, MATRIX, 0), ValueError, "alpha=0 must be"),
        (lambda: soft_assignment(MATRIX, MATRIX, -1.0), ValueError, "alpha=-1.0"),
        (lambda: soft_assignment(MATRIX, MATRIX, np.nan), ValueError, "alpha=nan"),
        (lambda: soft_assignment(MATRIX, MATRIX, np.inf), ValueError, "alpha=inf"),
        (lambda: soft_assignment(MATRIX, MATRIX, "1"), TypeError, "alpha='1'"),
        (lambda: soft_assignment(MATRIX, MATRIX, True), TypeError, "alpha=True"),
        (
            lambda: target_distribution(MATRIX.long()),
            TypeError,
            "Q must be a tensor of",
        ),
        (lambda: target_distribution(MATRIX[0]), ValueError, "Q must be a matrix"),
        (lambda: target_distribution(MATRIX[:0]), ValueError, "Q must be a matrix"),
        (lambda: target_distribution(None), TypeError, "Q must be a tens.*got None"),
        # Broadcast without a word, these would be another target.
        (lambda: target_distribution(MATRIX, MATRIX), ValueError, "frequencies of sh"),
        (lambda: target_distribution(MATRIX, MATRIX[0, :1]), ValueError, "frequencies"),
        (lambda: target_distribution(MATRIX, 3.0), TypeError, "frequencies must be"),
        (lambda: clustering_kl(MATRIX[:1], MATRIX), ValueError, "must have the same"),
        (lambda: clustering_kl(MATRIX, MATRIX[:1]), ValueError, "must have the same"),
        (
            lambda: clustering_kl(MATRIX, MATRIX[:, :1]),
            ValueError,
            "must have the same",
        ),
        (lambda: clustering_kl(MATRIX[:0], MATRIX[:0]), ValueError, "P must be a matr"),
        (
            lambda: clustering_kl(MATRIX[:2].numpy(), MATRIX),
            ValueError,
            "must have the same",
        ),
        (lambda: clustering_kl(MATRIX, MATRIX.long()), TypeError, "Q must be a tensor"),
    ],
)
def test_wrong_tensors_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_points_are_computed_in_float32(points, dtype):
    Z, centers = (torch.tensor(a, dtype=dtype) for a in points)
    Q = soft_assignment(Z, centers)
    assert Q.dtype == dtype
    assert torch.equal(Q, soft_assignment(Z.float(), centers.float()).to(dtype))


def test_values_are_never_looked_at():
    # On the device "meta" tensors have shapes and no values.
    Z = torch.empty(5, 2, device="meta")
    Q = soft_assignment(Z, torch.empty(3, 2, device="meta"))
    assert clustering_kl(target_distribution(Q), Q).shape == ()


def test_arrays_give_arrays_equal_to_the_tensors(points):
    Z, centers = points
    Q = soft_assignment(Z, centers)
    P = target_distribution(Q, frequencies=Q.sum(axis=0))
    divergence = clustering_kl(P, Q=Q)
    assert isinstance(Q, np.ndarray)
    assert isinstance(divergence, float)
    tensor = soft_assignment(torch.tensor(Z), torch.tensor(centers))
    target = target_distribution(tensor)
    np.testing.assert_allclose(Q, tensor.numpy(), rtol=1e-14)
    np.testing.assert_allclose(P, target.numpy(), rtol=1e-14)
    assert divergence == pytest.approx(float(clustering_kl(target, tensor)))


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i8", "?", np.longdouble])
def test_arrays_of_any_numbers(dtype, points):
    Z = np.array(points[0]).astype(dtype)
    before = Z.copy()
    Q = soft_assignment(Z[::-1], Z[:2])
    assert Q.dtype == (dtype if dtype in ("f2", "f4") else np.float64)
    np.testing.assert_allclose(Q.sum(axis=1), 1, rtol=1e-3)
    np.testing.assert_array_equal(Z, before)


def test_with_a_tensor_the_result_is_a_tensor(points):
    Z, centers = points
    leaf = torch.tensor(Z, requires_grad=True)
    clustering_kl(np.full((7, 4), 0.25), soft_assignment(leaf, centers)).backward()
    assert torch.isfinite(leaf.grad).all()
    assert isinstance(soft_assignment(Z.tolist(), centers.tolist()), np.ndarray)
