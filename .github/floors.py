"""Print the oldest versions that pyproject.toml allows, as constraints for pip.

    python .github/floors.py > floors.txt

`"numpy>=2.0"` under `dependencies` becomes `numpy==2.0`. The extras are left out: they
are for tests and figures.
"""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def floors(dependencies):
    """A constraint for every requirement."""
    for dependency in dependencies:
        match = re.fullmatch(r"([\w.-]+)\s*>=\s*([\w.]+)(\s*,.*)?", dependency)
        if match is None:
            raise SystemExit(f"{dependency!r}: expected a requirement such as 'a>=1.2'")
        yield f"{match[1]}=={match[2]}"


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    print("\n".join(floors(project["dependencies"])))  # noqa: T201
