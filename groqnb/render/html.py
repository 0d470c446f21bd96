"""The only maker of HTML in groqnb. Everything is escaped unless it was made here.

Elements are values: a tag's children are text, which is escaped, or `Markup` that this module made.
There are no templates and no strings of tags elsewhere, so there is no place to forget an escape.

```python
>>> el("p", "1 < 2, ", el("b", "sure"), title='say "hi"')
Markup('<p title="say &quot;hi&quot;">1 &lt; 2, <b>sure</b></p>')

```
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape as _escape
from pathlib import Path

from groqnb.types.png import png_size

__all__ = [
    "Markup",
    "audio",
    "el",
    "join",
    "link",
    "page",
    "picture",
    "png",
    "safe_url",
    "table",
    "text",
]

# Nothing that can run, load or navigate by itself is among them.
_TAGS = frozenset(
    """a b blockquote br code dd details div dl dt em h1 h2 h3 h4 h5 h6 hr li ol p pre progress s
    small span strong sub summary sup table tbody td th thead tr ul""".split()  # noqa: SIM905
)
_VOID = frozenset({"br", "hr"})
_ATTRIBUTES = frozenset(
    {"class", "href", "rel", "target", "title", "start", "colspan", "value", "max", "open", "role"}
    | {"aria-label", "scope", "style", "tabindex"}
)
_STYLES = frozenset({"text-align:left", "text-align:right", "text-align:center"})


# Characters that turn the order of the letters around them, so that what is read is not what
# stands there; those that command terminals, with the sequences they begin; halves of characters,
# which no message can carry.
_UNSEEN = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


_LONGEST_URL = 8_000  # characters; longer addresses open nowhere


class Markup(str):
    """A string that is HTML already. Only this module makes it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Markup({super().__repr__()})"


Child = str | Markup | None


def text(value: str) -> Markup:
    """`value` as text between tags, escaped, without characters that only mislead.

    ```python
    >>> text("<script>")
    Markup('&lt;script&gt;')

    ```
    """
    if isinstance(value, Markup):
        return value
    if not value.isprintable():
        value = _UNSEEN.sub("", value)
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
        if value is True:
            written.append(f" {name}")
        else:
            written.append(f' {name}="{_escape(_UNSEEN.sub("", str(value)))}"')
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
    if len(url) > _LONGEST_URL or any(c <= " " or c == "\x7f" for c in url):
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
    return picture(data, alt)


def picture(data: bytes, alt: str) -> Markup:
    """A PNG or JPEG that is in the page itself. Raises ValueError for anything else."""
    if png_size(data) is not None:
        kind = "image/png"
    elif data.startswith(b"\xff\xd8\xff"):
        kind = "image/jpeg"
    else:
        raise ValueError("only PNG and JPEG pictures are shown")
    return Markup(f'<img src="{_data_url(kind, data)}" alt="{_quoted(alt)}">')


def audio(data: bytes, media_type: str, label: str) -> Markup:
    """A sound that is in the page itself, with the browser's own controls; it never plays by
    itself. Raises ValueError for a media type that is no sound.
    """
    if not re.fullmatch(r"audio/[a-z0-9][a-z0-9.+-]*", media_type):
        raise ValueError(f"{media_type!r} is no sound")
    source = _data_url(media_type, data)
    return Markup(f'<audio controls src="{source}" aria-label="{_quoted(label)}"></audio>')


def _data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"


def _quoted(value: str) -> str:
    """`value` as an attribute holds it."""
    return _escape(_UNSEEN.sub("", value))


def page(*children: Child) -> Markup:
    """A whole output: the part of the style sheet that it needs, and a `div` of the children."""
    body = el("div", *children, class_="groqnb")
    # Every output carries its rules, streaming ones many times: those for what is not in it stay
    # away. A text that only speaks of a class brings a rule along, which does no harm.
    needed = (rule for names, rule in _rules() if not names or any(n in body for n in names))
    return Markup(f"<style>{''.join(needed)}</style>{body}")


def document(title: str, *children: Child) -> str:
    """A whole page for a file: it fetches nothing, runs nothing, and follows the reader's theme."""
    source = Path(__file__).parent / "static" / "document.css"
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{text(title)}</title><style>{source.read_text(encoding='utf-8')}</style></head>"
        f"<body>{page(el('div', *children))}</body></html>\n"
    )


@lru_cache(maxsize=1)
def _rules() -> list[tuple[tuple[str, ...], str]]:
    """The rules of the style sheet, a line each, and the classes one of which each is for."""
    source = (Path(__file__).parent / "static" / "answer.css").read_text(encoding="utf-8")
    lines = [line.strip() for line in source.splitlines()]
    rules = [line for line in lines if line and not line.startswith("/*")]
    return [(tuple(re.findall(r"\.(gn-[a-z-]+|highlight)", rule)), rule) for rule in rules]
