"""What the pages promise of the examples."""

import ast
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.rglob("plot_*.py"))

pytestmark = pytest.mark.skipif(
    not SCRIPTS, reason="the source archive has no examples"
)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("mathematics/plot_*.py")))
def test_a_picture_of_the_mathematics_takes_forty_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize("path", SCRIPTS)
def test_an_example_imports_no_private_module_of_ours(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("skdeepclust"):
            assert "._" not in node.module
