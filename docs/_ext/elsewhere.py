"""Links to the pages of other packages, made without access to a network.

The addresses of these pages follow from the names, so an unresolved cross-reference
becomes a link to the other package. Docstrings inherited from scikit-learn refer to
sections of its guide, which do not exist here: only the words of such a reference are
kept.
"""

import re

from docutils import nodes

__all__ = ["setup"]

_ADDRESSES = {
    "joblib": "https://joblib.readthedocs.io/en/stable/generated/{}.html",
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{}.html",
    "torch": "https://docs.pytorch.org/docs/stable/generated/{}.html",
}
_METHOD = re.compile(r"(\w+\.[\w.]*\.[A-Z]\w*)\.\w+$")
_REFERENCE = re.compile(r":ref:`([^`<]*?)\s*(?:<[^>]*>)?`", re.DOTALL)


def link_to_other_pages(app, env, node, content):
    target = node.get("reftarget", "").removeprefix("~")
    address = _ADDRESSES.get(target.partition(".")[0])
    if node.get("refdomain") != "py" or node.get("reftype") == "mod" or not address:
        return None
    method = _METHOD.match(target)
    uri = address.format(method[1]) + f"#{target}" if method else address.format(target)
    return nodes.reference("", "", content, internal=False, refuri=uri)


def keep_words_of_references(app, what, name, obj, options, lines):
    function = getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None) or ""
    if not module.startswith(("sklearn.", "torch.")):
        return
    text = _REFERENCE.sub(r"\1", "\n".join(lines))
    lines[:] = text.split("\n")


def setup(app):
    """Connect to sphinx."""
    app.connect("missing-reference", link_to_other_pages)
    app.connect("autodoc-process-docstring", keep_words_of_references, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
