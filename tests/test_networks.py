"""Networks: sizes, shapes, initialisation, and the contract of a user's own."""

import copy
import math
import pickle

import pytest
import torch
from torch import nn

from skdeepclust._tensor_data import TensorData, map_blocks
from skdeepclust.networks import (
    ConvAutoencoder,
    DenseAutoencoder,
    ResidualAutoencoder,
)
from skdeepclust.networks._clustering import ClusteringAutoencoder
from skdeepclust.networks._reconstruction import Reconstruction
from skdeepclust.networks._resolve import resolve_autoencoder


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1, 28, 28), 275_979), ((1, 16, 16), 262_539), ((3, 32, 32), 297_997)],
)
def test_parameter_counts_of_the_paper(shape, expected):
    assert n_parameters(ConvAutoencoder(shape)) == expected


def test_centers_add_their_parameters():
    model = ClusteringAutoencoder(ConvAutoencoder((1, 28, 28)), torch.zeros(10, 10))
    assert n_parameters(model) == 275_979 + 10 * 10


@pytest.mark.parametrize("height", [1, 2, 3, 5, 7, 8, 13, 15, 16, 27, 28, 30, 33])
@pytest.mark.parametrize("width", [1, 6, 9, 12, 32])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_size_is_restored_exactly(channels, height, width):
    net = ConvAutoencoder((channels, height, width), 3, filters=(2, 3, 4))
    X = torch.zeros(2, channels, height, width)
    assert net.encode(X).shape == (2, 3)
    assert net(X).shape == X.shape


@pytest.mark.parametrize("filters", [(4,), (4, 4), (4, 4, 4, 4)])
@pytest.mark.parametrize("side", [8, 11, 17])
def test_any_number_of_layers(filters, side):
    net = ConvAutoencoder((1, side, side), filters=filters)
    assert net(torch.zeros(1, 1, side, side)).shape == (1, 1, side, side)


def test_last_convolution_is_padded_by_the_papers_rule():
    padded = ConvAutoencoder((1, 16, 28)).encoder[4]
    assert padded.padding == (1, 0)


@pytest.mark.parametrize(
    "net", [ConvAutoencoder((1, 28, 28)), DenseAutoencoder((784,), hidden_dims=(50,))]
)
def test_initialisation_is_keras_like(net):
    layers = [m for m in net.modules() if hasattr(m, "weight")]
    assert len(layers) in (4, 8)
    for layer in layers:
        fan_a, fan_b = layer.weight.shape[:2]
        field = layer.weight[0, 0].numel()
        limit = math.sqrt(6 / ((fan_a + fan_b) * field))
        assert layer.weight.abs().max() <= limit
        assert layer.weight.abs().max() > 0.9 * limit
        deviation = float(layer.weight.detach().std())
        assert deviation == pytest.approx(limit / math.sqrt(3), rel=0.1)
        assert not layer.bias.any()


def test_code_and_output_are_linear():
    for net in (ConvAutoencoder((1, 8, 8)), DenseAutoencoder((64,))):
        assert isinstance(list(net.encoder.modules())[-1], nn.Linear)
        last = list(net.decoder.modules())[-1]
        assert isinstance(last, nn.Linear | nn.ConvTranspose2d)


def test_dense_network_of_the_paper():
    net = DenseAutoencoder((784,))
    widths = [m.out_features for m in net.encoder if isinstance(m, nn.Linear)]
    assert widths == [500, 500, 2000, 10]
    widths = [m.out_features for m in net.decoder if isinstance(m, nn.Linear)]
    assert widths == [2000, 500, 500, 784]


def test_dense_network_takes_images():
    net = DenseAutoencoder((2, 3, 4), hidden_dims=(5,))
    assert net(torch.zeros(6, 2, 3, 4)).shape == (6, 2, 3, 4)


def test_centers_are_a_parameter_that_moves():
    model = ClusteringAutoencoder(DenseAutoencoder((4,), 2, (3,)), torch.ones(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.centers.detach().clone()
    _, Q = model(torch.rand(5, 4))
    Q[:, 0].sum().backward()
    optimizer.step()
    assert not torch.equal(model.centers, before)


def test_forward_gives_reconstruction_and_assignment():
    model = ClusteringAutoencoder(DenseAutoencoder((4,), 2, (3,)), torch.rand(3, 2))
    X = torch.rand(5, 4)
    X_decoded, Q = model(X)
    assert torch.equal(X_decoded, Reconstruction(model.autoencoder)(X))
    assert torch.equal(X_decoded, model.decode(model.encode(X)))
    assert Q.shape == (5, 3)


# -- the user's own ----------------------------------------------------------


class Own(nn.Module):
    """The smallest autoencoder, without the arguments that we offer."""

    def __init__(self, width=3):
        super().__init__()
        self.down, self.up = nn.Linear(4, width), nn.Linear(width, 4)

    def encode(self, X):
        return self.down(X)

    def decode(self, Z):
        return self.up(Z)


def resolve(module, arguments=None, image_shape=None):
    n_features = 4 if image_shape is None else math.prod(image_shape)
    return resolve_autoencoder(module, image_shape, n_features, 10, arguments or {})


def test_own_class_gets_what_it_takes():
    net, width = resolve(Own, {"width": 5})
    assert isinstance(net, Own)
    assert width == 5


def test_own_instance_is_copied_with_its_weights():
    own = Own()
    net, width = resolve(own)
    assert net is not own
    assert torch.equal(net.down.weight, own.down.weight)
    assert width == 3


def test_own_function_is_called():
    def build(embedding_dim, input_shape):
        return DenseAutoencoder(input_shape, embedding_dim, (7,))

    assert resolve(build)[1] == 10


def test_auto_depends_on_the_rows():
    assert isinstance(resolve("auto")[0], ResidualAutoencoder)
    assert isinstance(resolve("auto", image_shape=(1, 8, 8))[0], ConvAutoencoder)
    assert isinstance(resolve("dense", image_shape=(1, 8, 8))[0], DenseAutoencoder)


class NoDecode(nn.Module):
    def encode(self, X):
        return X


class WrongCode(Own):
    def encode(self, X):
        return self.down(X)[:, :, None]


class WrongShape(Own):
    def decode(self, Z):
        return self.up(Z)[:, :3]


class BadValues(Own):
    def encode(self, X):
        return self.down(X) * math.nan


@pytest.mark.parametrize(
    ("module", "arguments", "error", "message"),
    [
        (NoDecode, {}, TypeError, "no method 'decode'"),
        (WrongCode, {}, ValueError, "one row per sample"),
        (WrongShape, {}, ValueError, "exactly the shape of the input"),
        (BadValues, {}, ValueError, "not finite"),
        (Own, {"depth": 2}, ValueError, "takes no argument for module__depth.*'width'"),
        (Own(), {"width": 2}, ValueError, "Pass the class instead"),
        ("conv", {}, ValueError, "needs images"),
        (3, {}, TypeError, "neither a network nor builds one"),
    ],
)
def test_contract_of_a_network(module, arguments, error, message):
    with pytest.raises(error, match=message):
        resolve(module, arguments)


def test_memory_format_changes_speed_and_nothing_else():
    net = ConvAutoencoder((3, 28, 20))
    assert net.encoder[2].weight.is_contiguous(memory_format=torch.channels_last)
    assert ConvAutoencoder((3, 8, 20)).encoder[2].weight.is_contiguous()
    X = torch.rand(4, 3, 28, 20)
    plain = copy.deepcopy(net).to(memory_format=torch.contiguous_format)
    torch.testing.assert_close(net(X), plain(X), rtol=1e-4, atol=1e-6)
    again = pickle.loads(pickle.dumps(net))
    assert torch.equal(again(X), net(X))
    rows = TensorData(X.reshape(4, -1).numpy(), (3, 28, 20), torch.device("cpu"))
    one = TensorData(X[2:3].reshape(1, -1).numpy(), (3, 28, 20), torch.device("cpu"))
    assert torch.equal(map_blocks(net.encode, one)[0], map_blocks(net.encode, rows)[2])
