.PHONY: install format lint test test-slow docs docs-test docs-clean
PYTHON = .venv/bin/python

install:
	python3 -m venv .venv
	$(PYTHON) -m pip install -c constraints.txt -e ".[plot,test,lint]"

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n 2 --cov --cov-fail-under=90

test-slow:
	$(PYTHON) -m pytest -m slow tests

docs:
	$(PYTHON) -m pip install -q -c constraints.txt -e ".[plot,docs]"
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build/html

docs-test: # the code on the pages, with small settings
	$(PYTHON) -m sphinx -q -b doctest -D plot_gallery=0 docs docs/_build/doctest

docs-clean: # what the builds leave behind, pages of removed examples among it
	rm -rf docs/_build docs/auto_examples docs/api/generated docs/api/backreferences
