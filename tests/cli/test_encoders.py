"""``--encoder``: features of a pretrained network, and the methods that follow."""

import io
import json

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from cli.command import (
    FILES,
    make_table,
    read_labels,
    refused,
    run,
    small_folder,
    write_edits,
)
from PIL import Image
from torch import nn

from skdeepclust.cli import _parser
from skdeepclust.encoders import _encoder, _named
from skdeepclust.encoders._named import Named, missing

QUICK = {
    "auto": [],
    "temi": ["--set", "max_epochs=3", "--set", "n_heads=2"],
    "turtle": ["--set", "max_epochs=5"],
    "idec": [
        *("--set", "pretrain_epochs=1", "--set", "max_iter=5"),
        *("--set", "module__hidden_dims=(8,)"),
    ],
}


def as_tensor(image):
    """A small image, with a last row that holds the area of the original."""
    small = np.array(image.resize((16, 16))).transpose(2, 0, 1) / 255
    area = np.full((3, 1, 16), image.width * image.height / 1000)
    return torch.from_numpy(np.concatenate([small, area], axis=1)).float()


class Colours(nn.Module):
    """Means and deviations of the bands, and the area of the original."""

    def forward(self, X):
        X, area = X[:, :, :-1], X[:, 0, -1, :1]
        return torch.cat([X.mean((2, 3)), X.std((2, 3)), area / 100], dim=1)


@pytest.fixture
def loads(monkeypatch):
    """Names, weights and permissions of the networks that are loaded."""
    calls = []

    def load(name, weights, download):
        calls.append((name, weights, download))
        if name == "timm:absent" and not download:
            wanted = _named.Wanted(name, "absent", None, download)
            raise missing(wanted, "https://example.org", "about 17 MB")
        return Named(Colours().eval(), as_tensor, {}, "tiny 1.0")

    monkeypatch.setattr(_encoder, "load_named", load)
    return calls


@pytest.fixture
def photos(tmp_path):
    """30 photographs of three colours, of different sizes, in two folders."""
    rng = np.random.RandomState(0)
    for i in range(30):
        folder = tmp_path / "photos" / f"part {i % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.randint(0, 60, (100 + i, 110, 3))
        pixels[..., i % 3] += 150
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i:02d}.png")
    return tmp_path / "photos"


def number(path):
    return int(path[-6:-4])


def check_labels(labels):
    """Three clusters, one per colour."""
    colour = labels["path"].map(number) % 3
    assert len(labels) == 30
    assert len(set(zip(colour, labels["cluster"], strict=True))) == 3


@pytest.mark.parametrize("method", [None, *QUICK])
def test_a_folder_of_photographs(tmp_path, photos, loads, capsys, method):
    out = tmp_path / "out"
    chosen = [] if method is None else ["--method", method]
    arguments = ("cluster", photos, "-k", 3, "--out", out, "--encoder", "timm:tiny")
    options = (*chosen, *QUICK[method or "auto"], "--jobs", 1)
    assert run(*arguments, *options, "--device", "cpu") == 0
    said = capsys.readouterr().err
    assert "30 images, as 7 features: 3 clusters by" in said
    assert "in colour" not in said
    assert {each.name for each in out.iterdir()} == FILES
    labels = read_labels(out)
    if method in (None, "auto"):
        check_labels(labels)
    facts = json.loads((out / "run.json").read_text())
    assert facts["method"] == (method or "auto")
    assert facts["encoder"] == "timm:tiny"
    assert facts["parameters"]["frozenencoder"]["backbone"] == "timm:tiny"
    assert facts["image_shape"] is None
    assert sum(facts["sizes"]) == 30
    report = (out / "report.html").read_text()
    assert '"thumbs":{"width":64' in report  # from the files
    assert len(list((out / "clusters").rglob("*.png"))) == 30
    assert loads == [("timm:tiny", None, False)]  # once


def test_the_number_of_images_decides_on_the_method(tmp_path, photos, loads, capsys):
    for i in range(200):
        (photos / f"again_{i:03d}.png").hardlink_to(photos / "part 0" / "00.png")
    arguments = ("cluster", photos, "--encoder", "timm:x", "--no-folders", "--quick")
    assert run(*arguments, "-k", 2, "--out", tmp_path / "two", "--jobs", 1) == 0
    said = capsys.readouterr().err
    assert "230 images, as 7 features: 2 clusters by TEMI" in said
    assert "method temi: a head learns the clusters of the features" in said
    facts = json.loads((tmp_path / "two" / "run.json").read_text())
    assert facts["method"] == "temi"
    assert facts["parameters"]["temi"]["n_heads"] == 2


def test_files_are_encoded_in_their_full_size(tmp_path, photos, loads):
    out = tmp_path / "out"
    assert run("cluster", photos, "-k", 3, "--out", out, "--encoder", "timm:x") == 0
    pipeline = joblib.load(out / "model.joblib")
    paths = sorted(photos.rglob("*.png"), key=lambda path: number(path.name))
    areas = pipeline[0].transform(paths)[:, -1]
    np.testing.assert_allclose(
        areas, [(100 + i) * 0.0011 for i in range(30)], rtol=1e-6
    )


def test_what_is_done_later(tmp_path, photos, loads, capsys):
    out = tmp_path / "out"
    arguments = ("cluster", photos, "-k", 3, "--out", out, "--encoder", "timm:absent")
    assert run(*arguments, "--download", "--no-folders") == 0
    assert loads == [("timm:absent", None, True)]
    # The permission was for one command.
    line = refused(capsys, 1, "predict", out, photos)
    assert "not on this computer" in line
    assert "Pass --download to fetch them once" in line
    assert "timm:absent" in line
    capsys.readouterr()
    later = ("--download", "--device", "cpu", "--jobs", 1)
    assert run("predict", out, photos, *later) == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    pd.testing.assert_frame_equal(found, read_labels(out))
    report = out / "report.html"
    edits = write_edits(tmp_path / "edits.json", report, {"0": {"name": "first"}})
    assert run("apply", out, edits) == 0
    sorted_out = tmp_path / "sorted"
    assert run("predict", out, photos, "--out", sorted_out, *later) == 0
    assert (sorted_out / "clusters" / "cluster_000_first").is_dir()
    before = report.read_text()
    assert run("report", out, "--download", "--thumbnail-size", 32) == 0
    assert report.read_text() != before


def test_features_are_kept(tmp_path, photos, loads, capsys, monkeypatch):
    arguments = ("cluster", photos, "--encoder", "timm:tiny", "--no-folders")
    monkeypatch.chdir(tmp_path)
    assert run(*arguments, "-k", 3, "--out", "a", "--memory", "kept") == 0
    files = sorted((tmp_path / "kept").rglob("*.npz"))
    assert files
    capsys.readouterr()
    encoded = []
    forward = Colours.forward
    monkeypatch.setattr(
        Colours, "forward", lambda self, X: encoded.append(len(X)) or forward(self, X)
    )
    assert run(*arguments, "-k", 2, "--out", "b", "--memory", "kept") == 0
    assert sum(encoded) <= 2  # the blank one, and the first to know the width
    assert run("predict", "b", photos) == 0
    assert sum(encoded) <= 3
    assert sorted((tmp_path / "kept").rglob("*.npz")) == files
    for each in files:
        each.unlink()
    (tmp_path / "kept").rename(tmp_path / "gone")
    assert run("predict", "b", photos) == 0
    assert not (tmp_path / "kept").exists()


def test_weights_of_a_file(tmp_path, photos, loads, monkeypatch):
    (tmp_path / "w.pth").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    arguments = ("cluster", photos, "-k", 3, "--out", "out", "--encoder", "timm:tiny")
    assert run(*arguments, "--weights", "w.pth") == 0
    assert loads == [("timm:tiny", str(tmp_path / "w.pth"), False)]
    (tmp_path / "w.pth").rename(tmp_path / "moved.pth")
    assert run("predict", "out", photos, "--weights", "moved.pth") == 0
    assert loads[-1] == ("timm:tiny", str(tmp_path / "moved.pth"), False)


def test_missing_weights_are_found_before_any_file(
    tmp_path, photos, loads, capsys, monkeypatch
):
    def search(*args, **kwargs):
        raise AssertionError("too early")

    monkeypatch.setattr("skdeepclust.cli._inputs.find_images", search)
    before = sorted(tmp_path.iterdir())
    arguments = ("cluster", photos, "-k", 3, "--out", tmp_path / "out", "--encoder")
    line = refused(capsys, 1, *arguments, "timm:absent")
    assert "--encoder 'timm:absent' are not on this computer" in line
    assert "about 17 MB" in line
    assert "Pass --download" in line
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_library_is_found_before_any_file(
    tmp_path, photos, capsys, monkeypatch
):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    arguments = ("cluster", photos, "-k", 3, "--out", tmp_path / "out", "--encoder")
    line = refused(capsys, 1, *arguments, "timm:resnet18")
    assert 'pip install "skdeepclust[encoders]"' in line


def test_colour_photographs_without_an_encoder(tmp_path, photos, capsys):
    settings = ["--set", "pretrain_epochs=1", "--set", "max_iter=2", "--size", 8]
    settings += ["--set", "module__filters=(4,8,8)", "--set", "n_init=1", "--jobs", 1]
    arguments = ("cluster", photos, "-k", 3, "--no-folders", *settings)
    assert run(*arguments, "--out", tmp_path / "colour") == 0
    said = [
        line
        for line in capsys.readouterr().err.splitlines()
        if "photographs, stop here and pass --encoder NAME" in line
    ]
    assert len(said) == 1
    assert "for 57 in 100, clusters of pixels for 21 to 28" in said[0]
    assert run(*arguments, "--mode", "grey", "--out", tmp_path / "grey") == 0
    assert "--encoder" not in capsys.readouterr().err


@pytest.mark.parametrize("method", ["temi", "turtle"])
def test_a_head_on_pixels(tmp_path, photos, capsys, method):
    arguments = ("cluster", photos, "-k", 3, "--size", 8, "--method", method)
    options = (*QUICK[method], "--no-folders", "--jobs", 1)
    assert run(*arguments, *options, "--out", tmp_path / "out") == 0
    said = capsys.readouterr().err
    assert "is made for features of a network. Without --encoder it clusters" in said


@pytest.mark.parametrize("method", ["auto", "temi", "turtle"])
def test_a_table(tmp_path, method):
    make_table().to_csv(tmp_path / "table.csv", index=False)
    out = tmp_path / "out"
    arguments = ("cluster", tmp_path / "table.csv", "-k", 3, "--out", out)
    options = ("--method", method, *QUICK[method], "--jobs", 1)
    assert run(*arguments, *options, "--device", "cpu") == 0
    assert len(read_labels(out)) == 120
    table = tmp_path / "table.csv"
    assert run("predict", out, table, "--device", "cpu", "--out", tmp_path / "n") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["few", "--encoder", "resnet18"], 2, "'resnet18' is no name of a network"),
        (["few", "--encoder", "timm:"], 2, "timm:MODEL, torchvision:MODEL"),
        (["t.csv", "--encoder", "timm:x"], 2, "--encoder is for folders of images"),
        (["few", "--encoder", "timm:x", "--size", "32"], 2, "--size is for images"),
        (["few", "--encoder", "timm:x", "--mode", "grey"], 2, "--mode is for images"),
        (["few", "--encoder", "timm:x", "--weights", "no"], 1, "no file 'no'"),
        (["few", "--encoder", "timm:x", "--memory", "t.csv"], 1, "is no folder"),
        (["few", "--encoder", "timm:x", "--set", "beta=1"], 2, "needs --method"),
        (
            ["few", "--encoder", "timm:x", "--method", "auto", "--set", "beta=1"],
            *(2, "beta"),
        ),
        (["few", "--download"], 2, "--download needs --encoder"),
        (["few", "--memory", "kept"], 2, "--memory needs --encoder"),
        (["few", "--method", "auto"], 2, "pass --encoder NAME"),
    ],
)
def test_errors_are_one_line(
    tmp_path, monkeypatch, loads, capsys, arguments, code, words
):
    small_folder(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n2,1\n5,5\n")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert words in refused(capsys, code, "cluster", *arguments, "-k", 2)
    assert loads == []
    assert sorted(tmp_path.iterdir()) == before


def test_weights_are_for_models_with_an_encoder(images_out, messy, capsys):
    line = refused(capsys, 2, "predict", images_out, messy.folder, "--download")
    assert "models with an encoder" in line


def test_the_libraries_are_those_of_the_encoder():
    assert set(_parser._LIBRARIES) == set(_named._LIBRARIES)


def test_a_network_of_timm(tmp_path, photos, capsys):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), weights)
    out = tmp_path / "out"
    arguments = ("cluster", photos, "-k", 3, "--out", out, "--device", "cpu")
    options = ("--encoder", "timm:test_resnet", "--weights", weights, "--jobs", 1)
    assert run(*arguments, *options) == 0
    assert run("predict", out, photos, "--device", "cpu", "--quiet") == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    pd.testing.assert_frame_equal(found, read_labels(out))
    line = refused(
        capsys, 1, *arguments[:5], tmp_path / "n", "--encoder", "timm:test_resnet"
    )
    assert "Pass --download to fetch them once" in line
