"""Networks by name: each library's own loading, with small networks saved here."""

import importlib
import json
import pickle
import socket
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from skdeepclust import FrozenEncoder
from skdeepclust.encoders import _named, _timm, _torchvision

Image = pytest.importorskip("PIL.Image")


def library(name):
    """A library, or a skip if it is missing or does not fit torch."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{name}: {error}")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, tmp_path):
    """Empty caches, and an error for whoever wants to connect."""

    def refuse(*args, **kwargs):
        raise OSError("a test wants to use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    try:
        constants = importlib.import_module("huggingface_hub.constants")
    except ImportError:
        return
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def in_hub_cache(tmp_path, repository, name, save):
    """Save a file where the hub keeps what it has fetched."""
    folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / "0123"
    snapshot.mkdir(parents=True, exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text("0123")
    save(snapshot / name)


def in_torch_cache(tmp_path, url, state):
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / url.rpartition("/")[2])


def encoder(name, **params):
    return FrozenEncoder(name, device="cpu", n_jobs=2, batch_size=4, **params)


def by_hand(network, transform, photos):
    """Features by a plain loop."""
    with torch.no_grad():
        return np.concatenate(
            [
                network(
                    torch.as_tensor(
                        transform(Image.fromarray(image.transpose(1, 2, 0)))
                    )[None]
                ).numpy()
                for image in photos
            ]
        )


# -- names -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "keras:resnet", "timm:", ""])
def test_a_name_without_a_library(name, photos):
    with pytest.raises(ValueError, match=r"no name of a network.*timm:MODEL"):
        encoder(name).fit(photos)


@pytest.mark.parametrize("name", list(_named._LIBRARIES))
def test_a_missing_library_says_how_to_get_it(name, photos, monkeypatch):
    real = importlib.import_module

    def without(module, *args):
        if module == name:
            raise ImportError("it is not there")
        return real(module, *args)

    monkeypatch.setattr(_named, "import_module", without)
    with pytest.raises(ImportError, match=r'pip install "skdeepclust\[encoders\]"'):
        encoder(f"{name}:model").fit(photos)


def test_a_torchvision_that_does_not_fit(photos, monkeypatch):
    def broken(module, *args):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(_named, "import_module", broken)
    with pytest.raises(ImportError, match="does not fit torch"):
        encoder("timm:model").fit(photos)


def test_weights_that_are_not_there(photos):
    with pytest.raises(FileNotFoundError, match="weights='no.pth': there is no"):
        encoder("timm:resnet18", weights="no.pth").fit(photos)


class Evil:
    def __reduce__(self):
        return print, ("code of a file was run",)


def test_files_of_weights(tmp_path, capsys):
    state = {"a": torch.ones(2)}
    for name, content in [("a.pth", state), ("b.pth", {"state_dict": state})]:
        torch.save(content, tmp_path / name)
        assert _named.read_weights(tmp_path / name).keys() == {"a"}
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(
        ValueError, match=r"list.pth' holds no state dict, but \[1, 2\]"
    ):
        _named.read_weights(tmp_path / "list.pth")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"a": Evil()}))
    torch.save({"a": Evil()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(ValueError, match="cannot be read as weights"):
            _named.read_weights(tmp_path / name)
    assert "code" not in capsys.readouterr().out


# -- timm ------------------------------------------------------------------------------


@pytest.fixture
def timm():
    return library("timm")


@pytest.fixture
def timm_net(timm):
    torch.manual_seed(0)
    return timm.create_model("test_vit", pretrained=False).eval()


def timm_expected(timm, network, photos):
    settings = timm.data.resolve_model_data_config(network)
    transform = timm.data.create_transform(**settings, is_training=False)
    network.reset_classifier(0)
    return by_hand(network, transform, photos)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_timm_from_a_file(timm, timm_net, photos, photo_files, tmp_path, suffix):
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save(timm_net.state_dict(), path)
    else:
        library("safetensors.torch").save_file(timm_net.state_dict(), path)
    expected = timm_expected(timm, timm_net, photos)
    found = encoder("timm:test_vit", weights=path)
    np.testing.assert_allclose(found.fit_transform(photos), expected, atol=1e-5)
    np.testing.assert_allclose(found.transform(photo_files), expected, atol=1e-5)
    assert found.embedding_dim_ == expected.shape[1] == timm_net.num_features


def test_timm_from_the_cache_of_the_hub(timm, timm_net, photos, tmp_path):
    repository = timm.get_pretrained_cfg("test_vit").hf_hub_id
    save_file = library("safetensors.torch").save_file
    state = timm_net.state_dict()
    save = lambda path: save_file(state, path)  # noqa: E731
    in_hub_cache(tmp_path, repository, "model.safetensors", save)
    found = encoder("timm:test_vit").fit_transform(photos)
    expected = timm_expected(timm, timm_net, photos)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_timm_from_the_cache_of_torch(timm, photos, tmp_path):
    config = timm.get_pretrained_cfg("efficientnet_lite0")
    network = timm.create_model("efficientnet_lite0", pretrained=False).eval()
    in_torch_cache(tmp_path, config.url, network.state_dict())
    found = encoder("timm:efficientnet_lite0.ra_in1k").fit_transform(photos[:2])
    expected = timm_expected(timm, network, photos[:2])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_timm_weights_of_another_form(timm, timm_net, photos, tmp_path):
    """Without a last layer, and with one for other classes."""
    expected = timm_expected(timm, timm_net, photos)  # takes the last layer away
    torch.save(timm_net.state_dict(), tmp_path / "no_head.pth")
    timm_net.reset_classifier(7)
    torch.save(timm_net.state_dict(), tmp_path / "seven.pth")
    for name in ("no_head.pth", "seven.pth"):
        found = encoder("timm:test_vit", weights=tmp_path / name).transform(photos)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_timm_never_leaves_weights_at_random(timm, timm_net, photos, tmp_path):
    state = timm_net.state_dict()
    state.pop("blocks.0.norm1.weight")
    torch.save(state, tmp_path / "part.pth")
    torch.save({"conv.weight": torch.ones(3)}, tmp_path / "other.pth")
    for name in ("part.pth", "other.pth"):
        with pytest.raises(
            ValueError, match=rf"{name}' do not fit backbone='timm:test_v"
        ):
            encoder("timm:test_vit", weights=tmp_path / name).fit(photos)


def test_timm_fetches_nothing_without_being_asked(timm, photos):
    words = r"(?s)'timm:resnet18'.*https://huggingface.co/timm/resnet18.a1_in1k.*47 MB"
    with pytest.raises(FileNotFoundError, match=words + ".*download=True"):
        encoder("timm:resnet18").fit(photos)


def test_timm_fetches_when_asked(timm, timm_net, photos, monkeypatch):
    asked = []

    def create_model(name, **params):
        asked.append((name, params))
        return timm_net

    monkeypatch.setattr(timm, "create_model", create_model)
    encoder("timm:test_vit", download=True).fit(photos)
    assert asked == [("test_vit", {"pretrained": True})]


def test_timm_of_wrong_names(timm, photos):
    with pytest.raises(ValueError, match=r"no such network.*resnet18"):
        encoder("timm:resnet1").fit(photos)
    with pytest.raises(ValueError, match="Invalid pretrained tag"):
        encoder("timm:resnet18.nothing").fit(photos)


def test_timm_classes_of_the_last_layer():
    config = SimpleNamespace(
        classifier="fc", label_offset=1, first_conv="conv1", num_classes=9
    )
    assert _timm._n_classes(config, {"fc.weight": torch.ones(11, 2)}) == 10
    assert _timm._n_classes(config, {"conv1.weight": torch.ones(1)}) == 0
    assert _timm._n_classes(config, {"stem.weight": torch.ones(1)}) == 9


def test_a_named_encoder_is_one_of_scikit_learn(timm, timm_net, photos, tmp_path):
    torch.save(timm_net.state_dict(), tmp_path / "weights.pth")
    first = encoder("timm:test_vit", weights=tmp_path / "weights.pth", memory=tmp_path)
    Z = first.fit_transform(photos)
    assert len(pickle.dumps(first)) < 2000  # no weights
    for same in (clone(first), pickle.loads(pickle.dumps(first))):
        np.testing.assert_array_equal(same.transform(photos), Z)
    rough = clone(first).set_params(dtype="bfloat16").transform(photos)
    assert 0 < np.abs(rough - Z).max() < 0.2
    small = clone(first).set_params(transform={"size": 160, "crop": None})
    assert not np.allclose(small.transform(photos), Z)
    with pytest.raises(ValueError, match="images of 5 bands"):
        first.fit(np.zeros((2, 5, 30, 30), np.uint8))
    with pytest.raises(ValueError, match="images of 5 bands.*takes three"):
        small.fit(np.zeros((2, 5, 30, 30), np.uint8))


def test_a_dict_is_completed_from_the_configuration(timm, timm_net, photos, tmp_path):
    torch.save(timm_net.state_dict(), tmp_path / "weights.pth")
    half = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}
    first, second = (
        encoder("timm:test_vit", weights=tmp_path / "weights.pth", transform=transform)
        for transform in ({"size": 160}, {"size": 160, **half})
    )
    np.testing.assert_array_equal(first.transform(photos), second.transform(photos))


def settings_of(name):
    return _named.load_named(name, None, False).settings


def test_a_network_is_loaded_once(timm, timm_net, photos, tmp_path, monkeypatch):
    torch.save(timm_net.state_dict(), tmp_path / "weights.pth")
    loads, real = [], _timm.load
    monkeypatch.setattr(_timm, "load", lambda w: loads.append(w) or real(w))
    found = encoder("timm:test_vit", weights=tmp_path / "weights.pth").fit(photos)
    found.transform(photos)
    found.set_params(batch_size=2).transform(photos)
    assert len(loads) == 1


# -- torchvision -----------------------------------------------------------------------

# One network per kind of last layer. Small ones have no fewer weights: a few images do.
KINDS = {
    "resnet18": ("fc", 512),
    "mobilenet_v3_small": ("classifier.3", 1024),
    "efficientnet_b0": ("classifier.1", 1280),
    "convnext_tiny": ("classifier.2", 768),
    "vit_b_32": ("heads.head", 768),
    "swin_t": ("head", 768),
}


@pytest.mark.parametrize("name", KINDS)
def test_torchvision_last_layers(name):
    library("torchvision")
    from torchvision import models

    with torch.device("meta"):
        network = models.get_model(name, weights=None)
    head, width = KINDS[name]
    assert _torchvision._without_head(network, SimpleNamespace(name=name)) == head
    size = 224 if name == "vit_b_32" else 64
    assert network.eval()(torch.ones(1, 3, size, size, device="meta")).shape == (
        1,
        width,
    )


def test_torchvision_from_the_cache(photos, tmp_path):
    library("torchvision")
    from torchvision import models

    torch.manual_seed(0)
    network = models.mobilenet_v3_small(weights=None).eval()
    weights = models.MobileNet_V3_Small_Weights.IMAGENET1K_V1
    in_torch_cache(tmp_path, weights.url, network.state_dict())
    network.classifier[3] = nn.Identity()
    expected = by_hand(network, weights.transforms(), photos[:3])
    settings = settings_of("torchvision:mobilenet_v3_small")
    assert settings["mean"] == [0.485, 0.456, 0.406]
    assert settings["interpolation"] == "bilinear"
    for name in ("mobilenet_v3_small", "mobilenet_v3_small/IMAGENET1K_V1"):
        found = encoder(f"torchvision:{name}").fit_transform(photos[:3])
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_torchvision_from_a_file(photos, tmp_path):
    library("torchvision")
    from torchvision import models

    torch.manual_seed(0)
    network = models.mobilenet_v3_small(weights=None, num_classes=7).eval()
    torch.save(network.state_dict(), tmp_path / "seven.pth")
    network.classifier[3] = nn.Identity()
    transform = models.MobileNet_V3_Small_Weights.DEFAULT.transforms()
    expected = by_hand(network, transform, photos[:3])
    name = "torchvision:mobilenet_v3_small"
    found = encoder(name, weights=tmp_path / "seven.pth").transform(photos[:3])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.raises(ValueError, match=r"seven\.pth' do not fit .*resnet18"):
        encoder("torchvision:resnet18", weights=tmp_path / "seven.pth").fit(photos)


def test_torchvision_fetches_nothing_without_being_asked(photos):
    library("torchvision")
    words = (
        r"https://download.pytorch.org/models/resnet18-\w+\.pth \(45 MB\).*download=T"
    )
    with pytest.raises(FileNotFoundError, match=words):
        encoder("torchvision:resnet18").fit(photos)
    with pytest.raises(OSError, match="wants to use the network"):
        encoder("torchvision:resnet18", download=True).fit(photos)


def test_torchvision_of_wrong_names(photos):
    library("torchvision")
    with pytest.raises(ValueError, match=r"no such network.*resnet18"):
        encoder("torchvision:resnet1").fit(photos)
    with pytest.raises(ValueError, match=r"no weights 'V9'. It has IMAGENET1K_V1"):
        encoder("torchvision:resnet18/V9").fit(photos)
    with pytest.raises(ValueError, match="no last linear layer"):
        _torchvision._without_head(nn.Conv2d(3, 4, 1), SimpleNamespace(name="a"))


# -- transformers ----------------------------------------------------------------------

SMALL_VIT = {
    **{"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    **{"intermediate_size": 16, "image_size": 32, "patch_size": 8},
}


@pytest.fixture
def transformers():
    return library("transformers")


def saved_vit(transformers, folder, kind):
    torch.manual_seed(0)
    config = transformers.ViTConfig(**SMALL_VIT)
    network = getattr(transformers, kind)(config).eval()
    network.save_pretrained(folder)
    processor = transformers.ViTImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    return network, lambda image: processor(image, return_tensors="pt")["pixel_values"][
        0
    ]


def test_transformers_pooled_output(transformers, photos, tmp_path):
    network, transform = saved_vit(transformers, tmp_path, "ViTModel")
    expected = by_hand(lambda X: network(X).pooler_output, transform, photos)
    half = [0.5, 0.5, 0.5]
    found = settings_of(f"transformers:{tmp_path}")
    assert found == {"mean": half, "std": half, "interpolation": "bilinear"}
    found = encoder(f"transformers:{tmp_path}").fit_transform(photos)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_transformers_token_where_the_pooler_has_no_weights(
    transformers, photos, tmp_path
):
    network, transform = saved_vit(transformers, tmp_path, "ViTForImageClassification")
    expected = by_hand(
        lambda X: network.vit(X).last_hidden_state[:, 0], transform, photos
    )
    found = encoder(f"transformers:{tmp_path}").fit_transform(photos)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_transformers_convolutional(transformers, photos, tmp_path):
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic"
    )
    network = transformers.ResNetModel(config).eval()
    network.save_pretrained(tmp_path)
    processor = transformers.ViTImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path)
    expected = by_hand(
        lambda X: network(X).last_hidden_state.mean((2, 3)),
        lambda image: processor(image, return_tensors="pt")["pixel_values"][0],
        photos,
    )
    found = encoder(f"transformers:{tmp_path}").fit_transform(photos)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_transformers_clip(transformers, photos, tmp_path):
    torch.manual_seed(0)
    text = {**SMALL_VIT, "vocab_size": 9, "max_position_embeddings": 5}
    config = transformers.CLIPConfig(
        text_config=text, vision_config=SMALL_VIT, projection_dim=6
    )
    network = transformers.CLIPModel(config).eval()
    network.save_pretrained(tmp_path)
    processor = transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    processor.save_pretrained(tmp_path)

    def project(X):
        pooled = network.vision_model(X).pooler_output
        return network.visual_projection(pooled)

    expected = by_hand(
        project,
        lambda image: processor(image, return_tensors="pt")["pixel_values"][0],
        photos,
    )
    found = encoder(f"transformers:{tmp_path}").fit_transform(photos)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_transformers_from_the_cache_of_the_hub(transformers, photos, tmp_path):
    saved_vit(transformers, tmp_path / "made", "ViTModel")
    for path in (tmp_path / "made").iterdir():
        copy = path.read_bytes()
        in_hub_cache(
            tmp_path, "some/vit", path.name, lambda p, c=copy: p.write_bytes(c)
        )
    found = encoder("transformers:some/vit").fit_transform(photos)
    expected = encoder(f"transformers:{tmp_path / 'made'}").fit_transform(photos)
    np.testing.assert_array_equal(found, expected)


def test_transformers_says_how_large_the_weights_are(transformers, photos, tmp_path):
    def said(name):
        with pytest.raises(FileNotFoundError, match="download=True") as caught:
            encoder(f"transformers:{name}").fit(photos)
        return str(caught.value)

    assert "facebook/dinov2-small (about 88 MB)" in said("facebook/dinov2-small")
    assert "some/vit (of a size that its page tells, under Files)" in said("some/vit")
    # The configuration in the cache tells it.
    config = transformers.ViTConfig(hidden_size=192, num_attention_heads=2)
    saved = config.to_json_string().encode()
    in_hub_cache(tmp_path, "some/vit", "config.json", lambda p: p.write_bytes(saved))
    n_values = transformers.ViTModel(config).num_parameters()
    assert f"some/vit (about {round(4 * n_values / 1e6)} MB)" in said("some/vit")


def test_transformers_says_what_is_wrong(transformers, photos, tmp_path):
    words = "https://huggingface.co/some/vit .*download=True"
    with pytest.raises(FileNotFoundError, match=words):
        encoder("transformers:some/vit").fit(photos)
    with pytest.raises(OSError, match="cannot be loaded"):
        encoder(f"transformers:{tmp_path}").fit(photos)
    for folder in ("./models/vit", "~/no such folder", tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            encoder(f"transformers:{folder}").fit(photos)
    (tmp_path / "a.pth").touch()
    with pytest.raises(ValueError, match="transformers:FOLDER"):
        encoder("transformers:some/vit", weights=tmp_path / "a.pth").fit(photos)


def test_transformers_never_leaves_weights_at_random(transformers, photos, tmp_path):
    network, _ = saved_vit(transformers, tmp_path, "ViTModel")
    state = network.state_dict()
    lost = next(name for name in state if name.endswith("layernorm.weight"))
    state.pop(lost)
    network.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ValueError, match=f"{lost} would be at random"):
        encoder(f"transformers:{tmp_path}").fit(photos)


# -- open_clip -------------------------------------------------------------------------


@pytest.fixture
def open_clip(tmp_path):
    """The library, with a small model and weights for it."""
    found = library("open_clip")
    config = {
        "embed_dim": 6,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 8}
        | {"patch_size": 8},
        "text_cfg": {"context_length": 5, "vocab_size": 9, "width": 8, "heads": 1}
        | {"layers": 1},
    }
    (tmp_path / "small-clip.json").write_text(json.dumps(config))
    found.add_model_config(tmp_path / "small-clip.json")
    tags = {"made": {"hf_hub": "some/clip/", "url": "", "mean": (0.1, 0.2, 0.3)}}
    tags["made"] |= {"std": (0.5, 0.6, 0.7), "interpolation": "bilinear"}
    tags["made"] |= {"resize_mode": "squash"}
    pretrained = importlib.import_module("open_clip.pretrained")
    pretrained._PRETRAINED["small-clip"] = tags
    yield found
    del pretrained._PRETRAINED["small-clip"]


def made_clip(open_clip):
    torch.manual_seed(0)
    model = open_clip.create_model("small-clip").eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(std=0.2)
    return model


def test_open_clip_from_the_cache_of_the_hub(open_clip, photos, tmp_path):
    model = made_clip(open_clip)
    save = lambda path: torch.save(model.state_dict(), path)  # noqa: E731
    in_hub_cache(tmp_path, "some/clip", "open_clip_pytorch_model.bin", save)
    transform = open_clip.image_transform(
        32, False, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), "squash", "bilinear"
    )
    expected = by_hand(model.encode_image, transform, photos)
    assert settings_of("open_clip:small-clip/made")["mean"] == (0.1, 0.2, 0.3)
    found = encoder("open_clip:small-clip/made").fit_transform(photos)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_open_clip_from_a_file(open_clip, photos, tmp_path):
    model = made_clip(open_clip)
    torch.save(model.state_dict(), tmp_path / "clip.pt")
    expected = by_hand(model.encode_image, open_clip.image_transform(32, False), photos)
    found = encoder("open_clip:small-clip", weights=tmp_path / "clip.pt").transform(
        photos
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)
    torch.save({"a": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt' do not fit"):
        encoder("open_clip:small-clip", weights=tmp_path / "other.pt").fit(photos)


def test_open_clip_fetches_nothing_without_being_asked(open_clip, photos, caplog):
    words = "https://huggingface.co/some/clip .about 1 MB.*download=True"
    with pytest.raises(FileNotFoundError, match=words):
        encoder("open_clip:small-clip/made").fit(photos)
    assert "random" not in caplog.text


def test_open_clip_of_wrong_names(open_clip, photos):
    with pytest.raises(ValueError, match="has no model 'nothing'"):
        encoder("open_clip:nothing/a").fit(photos)
    for name in ("small-clip", "small-clip/other"):
        with pytest.raises(ValueError, match="small-clip/TAG.*has made"):
            encoder(f"open_clip:{name}").fit(photos)
