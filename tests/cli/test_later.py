"""``skdeepclust predict``, ``report`` and ``apply``."""

import io
import json
import shutil

import pandas as pd
import pytest
from cli.command import (
    as_written,
    make_table,
    read_labels,
    refused,
    run,
    write_edits,
)
from images.messy_folder import make_messy_folder

from skdeepclust.report import apply_edits


def printed(capsys):
    return pd.read_csv(io.StringIO(capsys.readouterr().out), keep_default_na=False)


# -- predict ---------------------------------------------------------------------------


def test_predict_gives_the_labels_of_the_fit(messy, images_out, capsys):
    assert run("predict", images_out, messy.folder) == 0
    found, expected = printed(capsys), read_labels(images_out)
    assert list(found) == list(expected)
    merged = found.merge(expected, on="path", suffixes=("", "_then"))
    assert len(merged) == len(expected)
    assert (merged["cluster"] == merged["cluster_then"]).all()


def test_predict_of_a_second_folder(tmp_path, images_out, capsys):
    second = make_messy_folder(tmp_path / "new", n_images=45, seed=7)
    assert run("predict", images_out, second.folder) == 0
    assert sorted(printed(capsys)["path"]) == sorted(map(as_written, second.readable))
    out = tmp_path / "out"
    assert run("predict", images_out, second.folder, "--out", out, "--link") == 0
    assert {each.name for each in out.iterdir()} == {
        *("clusters", "labels.csv", "run.json"),
    }
    assert len([p for p in out.rglob("*") if p.is_symlink()]) == 45
    facts = json.loads((out / "run.json").read_text())
    assert {each["path"] for each in facts["rejected"]} == set(second.unreadable)
    assert "exists" in refused(
        capsys, 1, "predict", images_out, second.folder, "--out", out
    )
    line = refused(capsys, 1, "predict", out, second.folder)
    assert "written by 'skdeepclust predict'" in line


def test_predict_of_a_table(tmp_path, table_out, capsys):
    frame = make_table().iloc[30:60].assign(plan="new plan")
    frame.to_csv(tmp_path / "new.csv", index=False)
    assert run("predict", table_out, tmp_path / "new.csv") == 0
    found = printed(capsys)
    assert list(found["sample"]) == list(range(30))
    assert list(found["customer_id"]) == list(frame["customer_id"])
    frame.drop(columns="age").to_csv(tmp_path / "less.csv", index=False)
    line = refused(capsys, 1, "predict", table_out, tmp_path / "less.csv")
    assert "lacks 1 columns that the model uses: ['age']" in line
    frame.assign(age="old").to_csv(tmp_path / "text.csv", index=False)
    line = refused(capsys, 1, "predict", table_out, tmp_path / "text.csv")
    assert "Column 'age' must hold numbers" in line
    line = refused(capsys, 2, "predict", table_out, tmp_path)
    assert "takes a table" in line


def test_damaged_outputs_are_named(messy, images_out, capsys):
    (images_out / "model.joblib").write_bytes(b"rubbish")
    line = refused(capsys, 1, "predict", images_out, messy.folder)
    assert "cannot be loaded" in line
    (images_out / "run.json").write_text("{")
    assert "is damaged" in refused(capsys, 1, "predict", images_out, messy.folder)


def test_other_versions_are_said(messy, images_out, capsys):
    path = images_out / "run.json"
    facts = json.loads(path.read_text())
    facts["versions"]["scikit-learn"] = "0.1"
    path.write_text(json.dumps(facts))
    assert run("predict", images_out, messy.folder) == 0
    assert "fitted with scikit-learn 0.1" in capsys.readouterr().err


# -- apply -----------------------------------------------------------------------------


def test_edits_of_images_come_back(tmp_path, messy, images_out, capsys):
    before = read_labels(images_out)
    rejected = int(before["cluster"].iloc[-1])
    named = int(before["cluster"].iloc[0])
    clusters = {named: {"name": "=my discs"}, rejected: {"rejected": True}}
    edits = write_edits(tmp_path / "e.json", images_out / "report.html", clusters)
    assert run("apply", images_out, edits) == 0
    edited = images_out / "edited"
    assert sorted(each.name for each in edited.iterdir()) == [
        *("clusters", "edits.json", "labels.csv"),
    ]
    after = read_labels(edited)
    assert sorted(after["path"]) == sorted(before["path"])
    sizes = before["cluster"].value_counts()
    assert (after["name"] == "'=my discs").sum() == sizes[named]
    assert (after["cluster"] == -1).sum() == sizes[rejected]
    folders = {each.name for each in (edited / "clusters").iterdir()}
    assert f"cluster_{named:03d}_my_discs" in folders
    assert f"cluster_{rejected:03d}" not in folders

    # predict speaks the names
    capsys.readouterr()
    assert run("predict", images_out, messy.folder) == 0
    found = printed(capsys)
    merged = found.merge(after, on="path", suffixes=("", "_then"))
    assert (merged["name"] == merged["name_then"]).all()
    assert (merged["cluster"] == merged["cluster_then"]).all()
    out = tmp_path / "out"
    assert run("predict", images_out, messy.folder, "--out", out) == 0
    assert f"cluster_{named:03d}_my_discs" in {
        each.name for each in (out / "clusters").iterdir()
    }

    # a second time only if asked for
    assert "exists" in refused(capsys, 1, "apply", images_out, edits)
    assert run("apply", images_out, edits, "--replace", "--no-folders") == 0
    assert not (edited / "clusters").exists()
    assert not [each for each in images_out.iterdir() if each.name.startswith(".")]


def test_apply_says_what_the_library_says(tmp_path, images_out):
    cluster = int(read_labels(images_out)["cluster"].iloc[0])
    edits = write_edits(
        tmp_path / "e.json",
        images_out / "report.html",
        {cluster: {"name": "discs"}},
        {0: None},
    )
    assert run("apply", images_out, edits, "--no-folders") == 0
    expected = apply_edits(edits, images_out / "report.html").table
    found = read_labels(images_out / "edited")
    for name in ("cluster", "name", "second_choice", "edited"):
        assert list(found[name]) == list(expected[name])


def test_edits_of_a_table_come_back(tmp_path, table_out):
    clusters = {0: {"name": "young"}}
    edits = write_edits(tmp_path / "e.json", table_out / "report.html", clusters)
    assert run("apply", table_out, edits) == 0
    found = read_labels(table_out / "edited")
    assert list(found["customer_id"]) == list(make_table()["customer_id"])
    before = read_labels(table_out)
    assert ((found["name"] == "young") == (before["cluster"] == 0)).all()


def test_edits_of_another_report_are_refused(tmp_path, images_out, table_out, capsys):
    edits = write_edits(tmp_path / "e.json", table_out / "report.html")
    assert "belongs to another report" in refused(capsys, 1, "apply", images_out, edits)
    assert not (images_out / "edited").exists()


# -- report ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["images", "table"])
def test_the_report_is_written_again(kind, tmp_path, images_out, table_out, capsys):
    out = {"images": images_out, "table": table_out}[kind]
    edits = write_edits(tmp_path / "e.json", out / "report.html")
    (out / "report.html").unlink()
    assert run("report", out, "--title", "<b>again", "--max-images", 10) == 0
    assert "&lt;b&gt;again" in (out / "report.html").read_text()
    assert run("apply", out, edits, "--no-folders") == 0  # its number is the same


def test_files_that_are_gone_are_named(tmp_path, messy, images_out, capsys):
    moved = shutil.copytree(messy.folder, tmp_path / "moved", symlinks=True)
    (moved / messy.readable[0]).unlink()
    line = refused(capsys, 1, "report", images_out, "--input", moved)
    assert "1 of 60 images are no longer in" in line
