"""Formulas as MathML, made while the book is built.

Every browser of today sets MathML by itself, without a script; screen readers read it,
and it prints. (For browsers of yesterday there are rules in `book/static/math.css`.)
math-core translates the LaTeX and refuses what it does not know; we make that a
warning, so that the build fails instead of a formula.
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
# the annotation keeps the LaTeX in the page, for those who copy a formula
CONVERTER = LatexToMathML(annotation=True, fancy_error=False)


def convert(tex: str, *, block: bool) -> str:
    """`tex`, without dollars, as a `<math>` element.

    Raises:
        LatexError: a command that math-core does not know, or braces that do not match.
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
    """Sphinx's translator meets a formula within a line."""
    self.body.append(f'<span class="math">{_markup(node, block=False)}</span>')
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.Element) -> None:
    """Sphinx's translator meets a formula in a paragraph of its own."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(_markup(node, block=True))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>")
    raise nodes.SkipNode
