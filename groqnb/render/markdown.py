"""Markdown from a model to HTML, safely, and cheaply while it is still growing.

markdown-it parses, `html.py` makes the tags: raw HTML in the text stays text, only http(s) links
are live, and an image becomes a link, since loading it would be a request that nobody asked for.
Formulas are left in their delimiters for the notebook's typesetter; a `$` that is money is kept
from it.

`MarkdownView` takes a text that grows. A block of Markdown is closed for good once another block
has begun after it, so only the last one is parsed again for each repaint.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from groqnb.render.html import Child, Markup, el, join, link, safe_url, text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["IGNORE_MATH", "MarkdownView", "code_block", "markdown"]

IGNORE_MATH = "mathjax_ignore"
"""The class of elements in which the notebook's typesetter looks for no formulas."""

_SHORT_TAIL = 200  # characters that are cheaper to parse again than to look into
_MOST_COLOURED = 20_000  # characters of one code block; beyond, colours would cost too much time


def markdown(source: str) -> Markup:
    """`source` as HTML, code in colours.

    ```python
    >>> markdown("**a** <b>")
    Markup('<p><strong>a</strong> &lt;b&gt;</p>')

    ```
    """
    return MarkdownView().update(source, complete=True)


class MarkdownView:
    """The HTML of a Markdown text that grows at its end.

    ```python
    view = MarkdownView()
    view.update("Hel")
    view.update("Hello **you**", complete=True)
    ```
    """

    def __init__(self) -> None:
        self.formulas = 0
        self._closed: list[Markup | Token] = []  # fences stay tokens: their colours come last
        self._closed_html = Markup()
        self._length = 0  # how much of the text is in the closed blocks
        self._references: dict[str, Any] = {}  # link definitions in the closed blocks
        self._env: dict[str, Any] = {}  # all definitions, as the parser wants them
        self._inlines: dict[str, tuple[Markup, int]] = {}

    @property
    def closed(self) -> Markup:
        """The HTML of the closed blocks: what `update` gives next begins with it.

        Unless it is `complete`, or the parser cannot take the text.
        """
        return self._closed_html

    def update(self, source: str, *, complete: bool = False) -> Markup:
        """The HTML of `source`, which starts with all that was given before.

        With `complete`, code gets its colours and references defined late reach earlier text.
        """
        if "\r" in source:
            source = source.replace("\r\n", "\n").replace("\r", "\n")
        try:
            if complete:
                return self._complete(source)
            tail = source[self._length :]
            live, self.formulas = self._blocks(self._close(tail, self._parse(tail)))
            return join([self._closed_html, *(self._fence(block) for block in live)])
        except (ValueError, IndexError, RecursionError, AttributeError):
            # A text that the parser cannot take must still be readable.
            return el("pre", source, class_=f"gn-plain {IGNORE_MATH}")

    def _complete(self, source: str) -> Markup:
        tokens = self._parse(source[self._length :])
        if self._env["references"]:
            self._closed, self._references = [], {}
            tokens = self._parse(source)
        blocks = [*self._closed, *self._blocks(tokens)[0]]
        return join(self._fence(block, colours=True) for block in blocks)

    def _parse(self, part: str) -> list[Token]:
        """The block tokens of `part`; their inline text is parsed when it is rendered."""
        self._env = {"references": dict(self._references)}
        tokens = _parser().parse(part, self._env)
        if self._env["references"]:
            # What a definition means for text rendered before, and whether it is whole yet, is
            # not known: nothing rendered with it is kept.
            self._inlines.clear()
        return tokens

    def _close(self, tail: str, tokens: list[Token]) -> list[Token]:
        """Close what can be closed of the text's tail; the tokens of the rest."""
        if len(tail) < _SHORT_TAIL:
            return tokens
        # Where a block begins is settled by its first line, for a table by its second too. The
        # line that still grows may yet turn out to belong to its neighbour.
        settled = tail.count("\n") - 2
        begin = 0
        for i, token in enumerate(tokens):
            if token.level == 0 and token.nesting >= 0 and token.map and token.map[0] <= settled:
                begin = i
        if begin == 0:
            return tokens
        line = (tokens[begin].map or [0])[0]
        closed, _ = self._blocks(tokens[:begin])
        self._closed += closed
        self._closed_html = join([self._closed_html, *(self._fence(block) for block in closed)])
        end = len(tail) - len(tail.split("\n", line)[-1])
        self._length += end
        if len(self._env["references"]) > len(self._references):
            defined = {"references": self._references}
            _parser().parse(tail[:end], defined)
        return tokens[begin:]

    def _fence(self, block: Markup | Token, *, colours: bool = False) -> Markup:
        if isinstance(block, Markup):
            return block
        language = block.info.strip().partition(" ")[0]
        return code_block(block.content, language if colours else "")

    # --- tokens to elements ---

    def _blocks(self, tokens: Sequence[Token]) -> tuple[list[Markup | Token], int]:
        """The top-level blocks of `tokens`, and the number of formulas in them."""
        top: list[Markup | Token] = []
        stack: list[tuple[Token, list[Child]]] = []
        formulas = 0
        for token in tokens:
            if token.type == "fence" and not stack:
                top.append(token)
                continue
            if token.nesting == 1:
                stack.append((token, []))
                continue
            if token.nesting == -1:
                opened, children = stack.pop()
                made = _container(opened, children)
            elif token.type == "inline":
                made, found = self._inline(token.content)
                formulas += found
            else:
                made = _leaf(token)
                formulas += token.type == "math"
            if stack:
                stack[-1][1].append(made)
            else:
                top.append(made)
        return top, formulas

    def _inline(self, content: str) -> tuple[Markup, int]:
        known = self._inlines.get(content)
        if known is None:
            tokens: list[Token] = []
            parser = _parser()
            parser.inline.parse(content, parser, self._env, tokens)
            known = self._inlines[content] = _inline(tokens)
        return known


def _inline(tokens: Sequence[Token]) -> tuple[Markup, int]:
    formulas = 0
    stack: list[tuple[Token | None, list[Child]]] = [(None, [])]
    for token in tokens:
        if token.nesting == 1:
            stack.append((token, []))
            continue
        if token.nesting == -1:
            opened, children = stack.pop()
            made = join(children) if opened is None else _container(opened, children)
        else:
            made = _leaf(token)
            formulas += token.type == "math"
        stack[-1][1].append(made)
    return join(stack[0][1]), formulas


def _container(token: Token, children: Sequence[Child]) -> Markup:
    if token.hidden:  # the paragraphs of a tight list
        return join(children)
    if token.tag == "a":
        address = str(token.attrs.get("href", ""))
        label = join(children)
        return link(address, label) if safe_url(address) else _dead_link(address, label)
    style = token.attrs.get("style")
    start = token.attrs.get("start")
    return el(
        token.tag,
        *children,
        style=str(style) if style else None,
        start=str(start) if start is not None else None,
    )


def _dead_link(address: str, label: Markup) -> Markup:
    """A link that is not to the web: its label, and where it pointed, as text."""
    shown = text(address)
    return label if shown == label else join([label, " (", _text(address), ")"])


def _leaf(token: Token) -> Markup:
    kind = token.type
    if kind in ("text", "text_special"):
        return _text(token.content)
    if kind == "code_inline":
        return el("code", token.content)
    if kind in ("fence", "code_block"):
        return code_block(token.content)
    # Models end the lines of a poem or an address with one line break and mean it.
    if kind in ("softbreak", "hardbreak"):
        return el("br")
    if kind == "hr":
        return el("hr")
    if kind == "math":
        return el("div", token.content) if token.block else text(token.content)
    if kind == "image":
        address = str(token.attrs.get("src", ""))
        label = text(f"image: {token.content or address}")
        return link(address, label) if safe_url(address) else _dead_link(address, label)
    return _text(token.content)


def _text(content: str) -> Markup:
    """Text in which no `$` starts a formula: those that do are tokens of their own."""
    if "$" not in content:
        return text(content)
    pieces = content.split("$")
    dollar = el("span", "$", class_=IGNORE_MATH)
    return join([pieces[0], *(join([dollar, piece]) for piece in pieces[1:])])


def code_block(code: str, language: str = "") -> Markup:
    """Code, in colours where its language is named and known."""
    # JupyterLab and nbconvert colour what is in "highlight"; elsewhere it is a plain block.
    coloured = _coloured(code, language)
    return el(
        "div", el("pre", el("code", code if coloured is None else coloured)), class_="highlight"
    )


def _coloured(code: str, language: str) -> Markup | None:
    """`code` with Pygments' short class names, or None when its language is not known."""
    if not language or len(code) > _MOST_COLOURED:
        return None
    lexer = _lexer(language)
    if lexer is None:
        return None
    from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped]

    return join(
        el("span", piece, class_=STANDARD_TYPES.get(kind)) if piece.strip() else piece
        for kind, piece in lexer.get_tokens(code)
    )


@lru_cache(maxsize=32)
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


# --- the parser -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    from groqnb.render.math import math_block, math_inline

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # Whether a link is live is decided when it is rendered.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.inline.ruler.before("escape", "math", math_inline)
    parser.block.ruler.before(
        "fence", "math", math_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    return parser
