"""References to what is documented elsewhere, without asking a network.

scikit-learn's pages have addresses that follow from the names; a cross-reference that
finds nothing here becomes a link there. And docstrings inherited from scikit-learn
refer to sections of its own guide, which are not here: only their words are kept.
"""

import re

from docutils import nodes

__all__ = ["setup"]

_ADDRESS = "https://scikit-learn.org/stable/modules/generated/{}.html"
_METHOD = re.compile(r"(sklearn\.[\w.]*\.[A-Z]\w*)\.\w+$")
_REFERENCE = re.compile(r":ref:`([^`<]*?)\s*(?:<[^>]*>)?`", re.DOTALL)


def link_to_scikit_learn(app, env, node, content):
    target = node.get("reftarget", "").removeprefix("~")
    if node.get("refdomain") != "py" or not target.startswith("sklearn."):
        return None
    if target.count(".") < 2:  # a module, whose page has another kind of address
        return None
    method = _METHOD.match(target)
    address = _ADDRESS.format(method[1] if method else target)
    if method:
        address += f"#{target}"
    return nodes.reference("", "", content, internal=False, refuri=address)


def keep_words_of_references(app, what, name, obj, options, lines):
    function = getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None) or ""
    if not module.startswith(("sklearn.", "torch.")):
        return
    text = _REFERENCE.sub(r"\1", "\n".join(lines))
    lines[:] = text.split("\n")


def setup(app):
    """Connect to sphinx."""
    app.connect("missing-reference", link_to_scikit_learn)
    app.connect("autodoc-process-docstring", keep_words_of_references, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
