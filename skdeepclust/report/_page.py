"""The one file of a report: template, styles, script, data and sheets."""

import base64
import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from datetime import datetime
from importlib import resources

from skdeepclust.report._sections import escaped

__all__ = ["MARK", "VERSION", "page", "write_file"]

# How a report is recognised, and the version of its data and of its edits.
MARK = '<meta name="generator" content="skdeepclust report">'
VERSION = 1


def page(data, sections, sheets):
    """The text of the page."""
    html, css, script = (_template(f"report.{end}") for end in ("html", "css", "js"))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(css)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    texts = [] if sheets is None else sheets.as_text()
    parts = {
        **sections,
        "mark": MARK,
        "policy": policy,
        "title": escaped(data["title"]),
        "written": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        "css": css,
        "js": script,
        "data": _as_json(data),
        "sheets": "\n".join(
            f'<script type="text/plain" id="sheet-{i}">{text}</script>'
            for i, text in enumerate(texts)
        ),
    }
    # In one pass: what is put in is not searched.
    return re.sub(r"<!--report:([a-z-]+)-->", lambda found: parts[found[1]], html)


def _template(name):
    """Text of a file of this package."""
    file = resources.files("skdeepclust.report").joinpath(name)
    return file.read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text):
    """How a Content-Security-Policy names the one text that it allows."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _as_json(data):
    """JSON that ends no script element, whatever its strings contain."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def write_file(path, text):
    """Write the file as a whole, or leave what was there."""
    handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(
            handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
        ) as file:
            file.write(text)
        os.chmod(draft, 0o666 & ~_umask())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _umask():
    """Permissions that new files lack."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
