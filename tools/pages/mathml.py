"""Convert formulas from LaTeX to MathML while the book is built.

Current browsers render MathML without a script, screen readers read it, and it prints.
(`book/static/math.css` has rules for older browsers.) math-core refuses LaTeX that it
does not know; here that is a warning, which stops the build.
"""

from __future__ import annotations

import html
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

NAME = "mathml"
LOG = logging.getLogger(__name__)
# the annotation keeps the LaTeX in the page for copying
CONVERTER = LatexToMathML(annotation=True, fancy_error=False)


def convert(tex: str, *, block: bool) -> str:
    """Convert `tex`, without dollars, to a `<math>` element.

    Raises:
        LatexError: for an unknown command or unbalanced braces.
    """
    return CONVERTER.convert_with_local_state(tex, displaystyle=block)


def _markup(node: nodes.Element, *, block: bool) -> str:
    tex = node.astext().strip()
    try:
        return convert(tex, block=block)
    except LatexError as error:
        LOG.warning("formula %r: %s", tex, error, location=node)
        return f"<code>{html.escape(tex)}</code>"


def visit_inline(self: Any, node: nodes.Element) -> None:
    """Write an inline formula (called by Sphinx's translator)."""
    self.body.append(f'<span class="math">{_markup(node, block=False)}</span>')
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.Element) -> None:
    """Write a displayed formula (called by Sphinx's translator)."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(_markup(node, block=True))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>")
    raise nodes.SkipNode
