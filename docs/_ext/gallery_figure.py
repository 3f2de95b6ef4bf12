"""A figure of the gallery on another page: ``.. gallery-figure:: plot_20_gamma 2``.

The argument is the name of the script, with its folder if it has one, and the number of
the figure; the content is the caption. Below it is a link to the script. Where the
gallery was not run (``-D plot_gallery=0``) there is no figure and no warning.
"""

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

__all__ = ["setup"]


class GalleryFigure(SphinxDirective):
    """The directive."""

    required_arguments = 2
    has_content = True
    option_spec = {"alt": directives.unchanged_required, "width": directives.unchanged}

    def run(self):
        name, number = self.arguments
        folder, _, script = name.rpartition("/")
        path = Path("auto_examples", folder, "images")
        path /= f"sphx_glr_{script}_{int(number):03d}.png"
        self.env.note_reread()  # the gallery may make it in the next build
        if not Path(self.env.srcdir, path).exists():
            return []
        label = f"sphx_glr_auto_examples_{name.replace('/', '_')}.py"
        lines = [f".. figure:: /{path.as_posix()}"]
        lines += [f"   :alt: {self.options.get('alt', ' '.join(self.content))}"]
        if "width" in self.options:
            lines += [f"   :width: {self.options['width']}"]
        lines += ["", *(f"   {line}" for line in self.content)]
        lines += [f"   :ref:`Code <{label}>`", ""]
        node = nodes.Element()
        source, _ = self.get_source_info()
        self.state.nested_parse(StringList(lines, source), self.content_offset, node)
        return node.children


def setup(app):
    """Connect to sphinx."""
    app.add_directive("gallery-figure", GalleryFigure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
