"""``skdeepclust cluster``: what it writes, and what it refuses."""

import html
import json
import os
import subprocess
import sys

import joblib
import pytest
from cli.command import (
    FILES,
    TINY_IMAGES,
    TINY_TABLE,
    as_written,
    make_table,
    read_labels,
    refused,
    run,
    small_folder,
)
from images.messy_folder import make_messy_folder

from skdeepclust import find_images
from skdeepclust._tables import text_column
from skdeepclust.cli import _cluster, _parser


def check_images_out(out, messy, k):
    """Every readable file is in labels.csv and in a folder, every other rejected."""
    assert {each.name for each in out.iterdir()} == FILES
    labels = read_labels(out)
    assert list(labels) == ["path", "cluster", "confidence", "second_choice"]
    assert sorted(labels["path"]) == sorted(map(as_written, messy.readable))
    assert labels["cluster"].between(0, k - 1).all()
    assert labels["confidence"].between(0, 1).all()
    assert (labels["second_choice"] != labels["cluster"]).all()
    rejected = json.loads((out / "run.json").read_text())["rejected"]
    assert {each["path"] for each in rejected} == set(messy.unreadable)
    for each in rejected:
        assert messy.unreadable[each["path"]] in each["reason"]
    folders = {f.name: len(list(f.iterdir())) for f in (out / "clusters").iterdir()}
    sizes = labels["cluster"].value_counts()
    assert folders == {f"cluster_{c:03d}": n for c, n in sizes.items()}


def test_a_messy_folder_in_one_command(messy, images_out):
    check_images_out(images_out, messy, 3)


@pytest.mark.slow
def test_all_of_a_messy_folder_in_one_command(tmp_path):
    messy = make_messy_folder(tmp_path / "photos", undecodable=True)
    out = tmp_path / "result"
    assert run("cluster", messy.folder, "-k", 8, "--out", out, *TINY_IMAGES) == 0
    check_images_out(out, messy, 8)


def test_run_says_how_it_was_made(messy, images_out):
    facts = json.loads((images_out / "run.json").read_text())
    assert facts["versions"]["skdeepclust"]
    assert facts["versions"]["torch"]
    assert facts["parameters"]["dcec"]["n_clusters"] == 3
    assert facts["parameters"]["imagereader"]["size"] == 16
    assert facts["method"] == "dcec"
    assert facts["seed"] == 0
    assert facts["input"]["relative"] == os.path.join("..", "photos")
    assert facts["seconds"]["fit"] > 0
    assert facts["seconds"]["total"] > 0
    assert any("uint16" in text for text in facts["warnings"])
    assert facts["argv"][0] == "cluster"


def test_the_report_begins_with_the_warnings_of_the_training(images_out):
    said = json.loads((images_out / "run.json").read_text())["warnings"]
    report = (images_out / "report.html").read_text()
    notices = report[report.index('class="notices') :]
    places = [notices.index(html.escape(text)) for text in (said[-1], said[0])]
    assert "Joint training" in said[-1]
    assert "left out" in said[0]
    assert places == sorted(places)


def test_model_is_the_one_of_the_labels(messy, images_out):
    pipeline = joblib.load(images_out / "model.joblib")
    paths = find_images(messy.folder)
    paths = [p for p in paths if p.relative_to(messy.folder).as_posix() in messy.kinds]
    found = dict(zip(map(str, paths), pipeline.predict(paths), strict=True))
    labels = read_labels(images_out)
    for row in labels.itertuples():
        path = messy.folder / row.path
        if path.is_file():  # all but the name that is not UTF-8
            assert found[str(path)] == row.cluster
    assert pipeline[0].memmap_folder is None
    assert not hasattr(pipeline[-1], "_skl_callbacks")


def test_permissions_are_the_usual_ones(images_out):
    usual = images_out.parent / "made"
    usual.mkdir(exist_ok=True)
    assert images_out.stat().st_mode == usual.stat().st_mode


def test_the_first_lines(tmp_path, capsys):
    folder = small_folder(tmp_path)
    assert run("cluster", folder, "-k", 2, "--no-folders", "--out", tmp_path / "out",
               *TINY_IMAGES) == 0  # fmt: skip
    output = capsys.readouterr()
    assert output.out == ""
    assert "12 images of 16 x 16 pixels, grey: 2 clusters by DCEC" in output.err
    assert "pretraining: about" in output.err
    assert "then joint training, at most about" in output.err
    assert "\x1b" not in output.err  # no terminal, no colours
    assert not (tmp_path / "out" / "clusters").exists()


def test_links_and_the_name_of_the_output(tmp_path, monkeypatch):
    folder = small_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("cluster", "few", "-k", 2, "--link", "--quiet", *TINY_IMAGES) == 0
    links = list((tmp_path / "few-clusters" / "clusters").rglob("*.png"))
    assert len(links) == 12
    assert {link.resolve().parent for link in links} == {folder.resolve()}


def test_the_same_seed_gives_the_same_labels(tmp_path):
    folder = small_folder(tmp_path)
    texts = []
    for name in ("a", "b"):
        out = tmp_path / name
        arguments = ("cluster", folder, "-k", 2, "--out", out, "--no-folders", "--seed")
        assert run(*arguments, 3, "--quiet", *TINY_IMAGES) == 0
        texts.append((out / "labels.csv").read_text())
    assert texts[0] == texts[1]


def test_earlier_outputs_in_the_folder_are_left_out(tmp_path, capsys):
    folder = small_folder(tmp_path)
    for name in ("one", "two"):
        out = folder / name
        assert run("cluster", folder, "-k", 2, "--out", out, *TINY_IMAGES) == 0
        assert len(read_labels(out)) == 12
    assert "left out 12 images of earlier outputs" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["deepcluster", "idec", "dec", "scedae"])
def test_other_methods(tmp_path, method):
    small = {
        "deepcluster": ["max_iter=1", "epochs_per_round=1", "module__widths=(4,)"],
        "scedae": ["n_autoencoders=2", "max_epochs=1", "module__hidden_dims=(8,)"],
    }.get(method, ["pretrain_epochs=1", "max_iter=5", "module__hidden_dims=(8,)"])
    if method in ("idec", "dec"):
        small.append("module='dense'")
    folder, out = small_folder(tmp_path), tmp_path / "out"
    settings = [each for value in small for each in ("--set", value)]
    arguments = ("cluster", folder, "-k", 2, "--method", method, "--size", 8)
    assert run(*arguments, "--out", out, "--quiet", *settings) == 0
    assert len(read_labels(out)) == 12


@pytest.mark.parametrize("method", _parser.METHODS)
def test_quick_has_settings_of_the_method(method):
    parser = _parser.make_parser()
    arguments = ["cluster", ".", "-k", "3", "--quick", "--method", method]
    args = parser.parse_args(arguments)
    args.kind = "images"
    model = _cluster._make_model(args)
    changed = _cluster._QUICK[method].items()
    assert all(model.get_params()[name] == value for name, value in changed)


# -- tables ----------------------------------------------------------------------------


def test_a_table(table_out):
    labels = read_labels(table_out)
    names = ["sample", "customer_id", "note", "cluster", "confidence", "second_choice"]
    assert list(labels) == names
    assert list(labels["sample"]) == list(range(120))
    assert list(labels["customer_id"]) == list(make_table()["customer_id"])
    facts = json.loads((table_out / "run.json").read_text())
    assert facts["columns"]["numeric"] == ["age", "income"]
    assert facts["columns"]["categorical"] == ["plan", "is_new"]
    left_out = facts["columns"]["left_out"]
    assert "identifier" in left_out["customer_id"]
    assert "dates" in left_out["since"]
    assert "one value" in left_out["same"]
    assert "income" in (table_out / "report.html").read_text()  # its profile
    assert not (table_out / "clusters").exists()


def test_a_parquet_table_is_read_as_the_csv_is(tmp_path, table_out, capsys):
    polars = pytest.importorskip("polars")
    frame = make_table()
    columns = {name: frame[name].to_list() for name in frame}
    columns["age"] = [None if age != age else age for age in columns["age"]]
    columns["plan"] = [p if isinstance(p, str) else None for p in columns["plan"]]
    polars.DataFrame(columns).write_parquet(tmp_path / "table.parquet")
    out = tmp_path / "out"
    arguments = ("cluster", tmp_path / "table.parquet", "-k", 3, "--out", out)
    assert run(*arguments, *TINY_TABLE) == 0
    assert (out / "labels.csv").read_text() == (table_out / "labels.csv").read_text()
    assert "left out column same: it has one value only" in capsys.readouterr().err


def test_index_and_drop(tmp_path):
    make_table().to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",")
    out = tmp_path / "out"
    arguments = (
        "cluster",
        tmp_path / "t.csv",
        "-k",
        3,
        "--out",
        out,
        "--index",
        "since",
    )
    options = ("--index", "since", "--drop", "income", "--drop", "note")
    assert run(*arguments, *options, *TINY_TABLE) == 0
    assert list(read_labels(out))[1:3] == ["customer_id", "since"]
    columns = json.loads((out / "run.json").read_text())["columns"]
    assert columns["numeric"] == ["age"]  # the decimal comma was understood


# -- refusals --------------------------------------------------------------------------


def test_nothing_is_overwritten(tmp_path, capsys):
    folder = small_folder(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    line = refused(capsys, 1, "cluster", folder, "-k", 2, "--out", out)
    assert "exists. Nothing is overwritten" in line
    assert [each.name for each in out.iterdir()] == ["mine.txt"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["few", "out"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["cluster", "nowhere", "-k", "3"], 1, "no folder or file 'nowhere'"),
        (["cluster", "few"], 2, "required: -k"),
        (["cluster", "few", "-k", "0"], 2, "'0' is not a whole number above 0"),
        (["cluster", "few", "-k", "3", "--size", "big"], 2, "'big' is no size"),
        (["cluster", "few", "-k", "3", "--set", "gamma"], 2, "form NAME=VALUE"),
        (["cluster", "few", "-k", "3", "--set", "gama=1"], 2, "unknown parameters"),
        (["cluster", "few", "-k", "3", "--set", "gamma=-1"], 2, "gamma"),
        (["cluster", "few", "-k", "3", "--index", "a"], 2, "are for tables"),
        (["cluster", "few", "-k", "3", "--out", "no/where"], 1, "no folder 'no'"),
        (["cluster", "few", "-k", "3", "--out", "text.txt"], 1, "exists"),
        (["cluster", "few", "-k", "99", "--quiet"], 1, "-k 99 needs at least 99"),
        (["cluster", "t.csv", "-k", "4"], 1, "there are 3"),
        (["cluster", "empty", "-k", "3", "--quiet"], 1, "No image files"),
        (["cluster", "text.txt", "-k", "3"], 1, "neither a folder of images nor"),
        (["cluster", "t.csv", "-k", "3", "--copy"], 2, "are for folders of images"),
        (["cluster", "t.csv", "-k", "3", "--drop", "x"], 1, "no column 'x'"),
        (["cluster", "few", "-k", "3", "--device", "abacus"], 2, "abacus"),
        (["cluster", "bad.csv", "-k", "3"], 1, "not in UTF-8"),
        (["cluster", "bad.parquet", "-k", "3"], 1, "no Parquet file"),
        (["cluster", "one.csv", "-k", "3"], 1, "No column of the table can"),
        (["predict", "few", "few"], 1, "no output of 'skdeepclust cluster'"),
        (["predict", "nowhere", "few"], 1, "There is no folder 'nowhere'"),
        (["apply", "few", "nowhere.json"], 1, "There is no file 'nowhere.json'"),
        (["clutser"], 2, "invalid choice: 'clutser'"),
        ([], 2, "required: COMMAND"),
    ],
)
def test_errors_are_one_line(tmp_path, monkeypatch, capsys, arguments, code, words):
    small_folder(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n2,1\n5,5\n")
    (tmp_path / "bad.csv").write_bytes(b"a,b\n\xff,1\n")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    (tmp_path / "one.csv").write_text("same\n1\n1\n1\n")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert words in refused(capsys, code, *arguments)
    assert sorted(tmp_path.iterdir()) == before  # no drafts


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch, capsys):
    def refuse(**kwargs):
        raise PermissionError(13, "Permission denied", "/x/.out.partial-1234")

    monkeypatch.setattr("skdeepclust.cli._output.tempfile.mkdtemp", refuse)
    arguments = ("cluster", small_folder(tmp_path), "-k", 2, "--out", tmp_path / "out")
    line = refused(capsys, 1, *arguments)
    assert f"Nothing can be written to {str(tmp_path)!r}: Permission denied" in line


def test_names_that_are_not_unicode_are_columns():
    names = ["a\udcff.png", "b.png"]
    column = text_column(names, [7, 7])
    assert column.dtype == object  # with pyarrow, columns of text cannot hold them
    assert column.tolist() == names
    assert text_column(["a", "b"]).dtype.kind == "U"


def test_verbose_shows_where(tmp_path, capsys):
    assert run("cluster", tmp_path / "nowhere", "-k", 3, "--verbose") == 1
    assert "Traceback" in capsys.readouterr().err


def test_copies_that_do_not_fit_are_refused_before_training(
    tmp_path, monkeypatch, capsys
):
    folder = small_folder(tmp_path)
    (folder / ("x" * 250 + ".png")).write_bytes((folder / "0.png").read_bytes())
    arguments = ("cluster", folder, "-k", 2, "--out", tmp_path / "out", *TINY_IMAGES)
    assert "too long" in refused(capsys, 1, *arguments)
    (folder / ("x" * 250 + ".png")).unlink()
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert "--link or --no-folders" in refused(capsys, 1, *arguments)


def test_a_training_is_not_lost_when_the_report_fails(tmp_path, monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise RuntimeError("out of ink")

    monkeypatch.setattr(_cluster, "write_report", fail)
    folder, out = small_folder(tmp_path), tmp_path / "out"
    assert run("cluster", folder, "-k", 2, "--out", out, *TINY_IMAGES) == 1
    assert "report.html could not be written" in capsys.readouterr().err
    assert {each.name for each in out.iterdir()} == FILES - {"report.html"}
    assert "out of ink" in json.loads((out / "run.json").read_text())["missing"][
        "report.html"
    ]  # fmt: skip


# -- starting --------------------------------------------------------------------------


def test_help_and_mistakes_do_not_import_torch(capsys):
    code = (
        "import sys; from skdeepclust.cli import main; "
        "codes = [main(a.split()) for a in ('--help', '--version', 'cluster x -k 1', "
        "'cluster . -k 0')]; print(codes, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[0, 0, 1, 2] False"
    assert run("--help") == 0
    output = capsys.readouterr().out
    assert "examples:" in output
    assert "Exit codes" in output
    for command in ("cluster", "predict", "report", "apply"):
        assert run(command, "--help") == 0


def test_python_m_and_the_script_are_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "skdeepclust", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("skdeepclust 0.")
