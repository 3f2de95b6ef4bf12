"""The page on the command has every option."""

import argparse
from pathlib import Path

import pytest

from skdeepclust.cli._parser import METHODS, make_parser

PAGE = Path(__file__).parents[2] / "docs" / "api" / "command.rst"


def options():
    parser = make_parser()
    (commands,) = (
        action
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    for name, command in commands.choices.items():
        for action in command._actions:
            yield from ((name, option) for option in action.option_strings)


@pytest.mark.skipif(not PAGE.exists(), reason="the source archive has no docs")
def test_every_option_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for _, option in {*options()} - {(name, "-h") for name, _ in options()}:
        assert option in text, option
    assert all(method in text for method in METHODS)
