"""Formulas as MathML, written when the pages are built.

Browsers draw it themselves: no JavaScript, nothing from a network.
"""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

__all__ = ["setup"]


def visit_inline(writer, node):
    writer.body.append(convert(node.astext()))
    raise SkipNode


def visit_block(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="math-block"))
    writer.body.append(convert(node.astext(), display="block"))
    writer.body.append("</div>")
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
