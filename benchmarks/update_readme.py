"""Put the tables of the results into README.md, so that nobody types them.

    python benchmarks/update_readme.py

The output of the command replaces the text between a line
`<!-- python benchmarks/NAME.py ... --table -->` and the next `<!-- end -->`.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE / "README.md"
PATTERN = re.compile(r"(<!-- python (.*?--table) -->\n).*?(<!-- end -->)", re.DOTALL)


def output_of(match):
    command = [sys.executable, *shlex.split(match[2])]
    done = subprocess.run(
        command, cwd=HERE.parent, check=True, capture_output=True, text=True
    )
    return f"{match[1]}\n{done.stdout.strip()}\n\n{match[3]}"


def main():
    text = README.read_text()
    README.write_text(PATTERN.sub(output_of, text))


if __name__ == "__main__":
    main()
