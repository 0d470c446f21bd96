"""The only maker of HTML in groqnb. Everything is escaped unless it was made here.

Elements are values: a tag's children are text, which is escaped, or `Markup` that this module made.
There are no templates and no strings of tags elsewhere, so there is no place to forget an escape.

```python
>>> el("p", "1 < 2, ", el("b", "sure"), title='say "hi"')
Markup('<p title="say &quot;hi&quot;">1 &lt; 2, <b>sure</b></p>')

```
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape as _escape
from pathlib import Path

from groqnb.types.png import png_size

__all__ = ["Markup", "el", "join", "link", "page", "png", "safe_url", "table", "text"]

# Nothing that can run, load or navigate by itself is among them.
_TAGS = frozenset(
    """a b blockquote br code dd details div dl dt em h1 h2 h3 h4 h5 h6 hr li ol p pre progress s
    small span strong sub summary sup table tbody td th thead tr ul""".split()  # noqa: SIM905
)
_VOID = frozenset({"br", "hr"})
_ATTRIBUTES = frozenset(
    {"class", "href", "rel", "target", "title", "start", "colspan", "value", "max", "open", "role"}
    | {"aria-label", "style"}
)
_STYLES = frozenset({"text-align:left", "text-align:right", "text-align:center"})


class Markup(str):
    """A string that is HTML already. Only this module makes it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Markup({super().__repr__()})"


Child = str | Markup | None


def text(value: str) -> Markup:
    """`value` as text between tags, escaped.

    ```python
    >>> text("<script>")
    Markup('&lt;script&gt;')

    ```
    """
    if isinstance(value, Markup):
        return value
    if "&" in value or "<" in value or ">" in value:
        value = _escape(value, quote=False)
    return Markup(value)


def join(parts: Iterable[Child], between: str = "") -> Markup:
    """The parts one after the other; those that are not Markup are escaped."""
    return Markup(text(between).join([text(part) for part in parts if part is not None]))


def el(tag: str, *children: Child, **attributes: str | bool | None) -> Markup:
    """One element. `class_` writes class, `aria_label` aria-label; None and False are left out.

    Raises ValueError for tags and attributes that have no place in an output, which is a mistake
    of groqnb's own: neither ever comes from a model's text.
    """
    if tag not in _TAGS:
        raise ValueError(f"no element {tag!r} in outputs")
    written = []
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if name not in _ATTRIBUTES:
            raise ValueError(f"no attribute {name!r} in outputs")
        if value is None or value is False:
            continue
        if name == "href" and safe_url(str(value)) is None:
            raise ValueError("only http and https addresses can be links")
        if name == "style" and value not in _STYLES:
            raise ValueError("only the alignment of table cells is styled in place")
        written.append(f" {name}" if value is True else f' {name}="{_escape(str(value))}"')
    start = f"<{tag}{''.join(written)}>"
    return Markup(start) if tag in _VOID else Markup(f"{start}{join(children)}</{tag}>")


def safe_url(url: str) -> str | None:
    """`url` when it is one that a click may open (http or https), else None.

    ```python
    >>> safe_url("javascript:alert(1)") is None
    True

    ```
    """
    # Browsers drop these before they read the scheme, so no test of the rest could be trusted.
    if any(character <= " " or character == "\x7f" for character in url):
        return None
    return url if url.lower().startswith(("http://", "https://")) else None


def link(url: str, label: Child) -> Markup:
    """A link that opens in a new tab, or the bare label where the address is not http(s)."""
    if safe_url(url) is None:
        return text(label or url)
    return el("a", label or url, href=url, target="_blank", rel="noopener noreferrer nofollow")


def table(
    head: Sequence[Child], rows: Iterable[Sequence[Child]], *, align: Sequence[str | None] = ()
) -> Markup:
    """A table; `align` holds "left", "right", "center" or None for each column."""

    def row(kind: str, cells: Sequence[Child]) -> Markup:
        styles = [f"text-align:{name}" if name else None for name in align]
        styles += [None] * (len(cells) - len(styles))
        return el(
            "tr", *(el(kind, cell, style=style) for cell, style in zip(cells, styles, strict=False))
        )

    parts = [el("thead", row("th", head))] if head else []
    return el("table", *parts, el("tbody", *(row("td", cells) for cells in rows)))


def png(data: bytes, alt: str) -> Markup:
    """A picture that is in the page itself, so that looking at it asks nobody.

    Raises ValueError for what is no PNG: to this the caller has looked.
    """
    if png_size(data) is None:
        raise ValueError("only PNG pictures are shown")
    source = b64encode(data).decode("ascii")
    return Markup(f'<img src="data:image/png;base64,{source}" alt="{_escape(alt)}">')


def page(*children: Child) -> Markup:
    """A whole output: its style sheet and a `div` that holds the children."""
    return Markup(f"<style>{_style()}</style>{el('div', *children, class_='groqnb')}")


@lru_cache(maxsize=1)
def _style() -> str:
    source = (Path(__file__).parent / "static" / "answer.css").read_text(encoding="utf-8")
    # Every output carries it, streaming ones many times: without comments and line breaks.
    lines = [line.strip() for line in source.splitlines()]
    return "".join(line for line in lines if not line.startswith("/*"))
