"""What an answer rests on: pages that were found, as cards, images as links, citations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from groqnb.render.data import cut, fold
from groqnb.render.html import Child, Markup, el, join, link, safe_url
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.plain import clean
from groqnb.types.records import Citation

__all__ = [
    "cards",
    "citations_html",
    "citations_plain",
    "images_html",
    "images_plain",
    "pages_html",
    "pages_plain",
]

_IN_SIGHT = 4
_MOST = 50
_SNIPPET = 160
_TITLE = 120
_ADDRESS = 500


def pages_html(found: Sequence[Any]) -> Markup | None:
    """Pages as cards, the first ones in sight; what several searches found stands there once."""
    pages = _once(found)
    if not pages:
        return None
    return el("div", _label("Sources"), cards(pages), class_=IGNORE_MATH)


def cards(pages: Sequence[Any]) -> Markup:
    """Cards of pages: a title that links to them, host and score, how they begin."""
    shown = [_card(page, number) for number, page in enumerate(pages[:_MOST], 1)]
    parts: list[Child] = [el("ul", *shown[:_IN_SIGHT], class_="gn-cards")]
    if len(shown) > _IN_SIGHT:
        rest = el("ul", *shown[_IN_SIGHT:], class_="gn-cards")
        parts.append(fold(f"{len(pages) - _IN_SIGHT:,} more", rest))
    return join(parts)


def pages_plain(found: Sequence[Any]) -> str:
    """Pages as numbered lines; empty when there are none."""
    pages = _once(found)
    lines = []
    for number, page in enumerate(pages[:_MOST], 1):
        address = f" <{_line(cut(page.url, _ADDRESS))}>" if page.url else ""
        lines.append(f"{number}. {_line(cut(_title(page), _TITLE))}{address}{_score(page)}")
    more = [f"… {len(pages) - _MOST} more"] if len(pages) > _MOST else []
    return "\n".join(["Sources:", *lines, *more]) if lines else ""


def images_html(images: Sequence[Any]) -> Markup | None:
    """Images as links: loading them would ask other machines, which nobody asked for."""
    if not images:
        return None
    items = [el("li", link(url, cut(label, _TITLE))) for url, label in map(_image, images[:_MOST])]
    title = f"{len(images):,} image{'s' * (len(images) != 1)} found"
    return el("div", fold(title, el("ul", *items)), class_=f"gn-tool {IGNORE_MATH}")


def images_plain(images: Sequence[Any]) -> str:
    """Images as lines; empty when there are none."""
    lines = [f"- {_line(cut(label, _ADDRESS))}" for _, label in map(_image, images[:_MOST])]
    return "\n".join(["Images:", *lines]) if lines else ""


def citations_html(citations: Sequence[Citation]) -> Markup | None:
    """Passages of the text, and what each rests on."""
    if not citations:
        return None
    items = [el("li", *_citation(one)) for one in citations[:_MOST]]
    more = len(citations) - _MOST
    rest = el("div", f"… {more:,} more", class_="gn-live") if more > 0 else None
    return el("div", _label("Citations"), el("ol", *items), rest, class_=IGNORE_MATH)


def citations_plain(citations: Sequence[Citation]) -> str:
    """Citations as numbered lines; empty when there are none."""
    lines = []
    for number, one in enumerate(citations[:_MOST], 1):
        quote = f'"{_line(cut(one.quote, _SNIPPET))}": ' if one.quote else ""
        title = f"{_line(cut(one.title, _TITLE))} " if one.title else ""
        source = f"{cut(one.kind, 40)} {cut(one.source, _ADDRESS)}"
        lines.append(f"{number}. {quote}{title}{_line(source)}")
    return "\n".join(["Citations:", *lines]) if lines else ""


def _citation(one: Citation) -> Iterable[Child]:
    if one.quote:
        yield el("span", f"“{cut(one.quote, _SNIPPET)}” ", class_="gn-about")
    if safe_url(one.source):
        yield link(one.source, cut(one.title or one.source, _TITLE))
    else:
        title = f"{cut(one.title, _TITLE)}, " if one.title else ""
        yield f"{title}{cut(one.kind, 40)} "
        yield el("code", cut(one.source, _TITLE))


def _label(text: str) -> Markup:
    return el("div", text, class_="gn-label")


def _once(found: Sequence[Any]) -> list[Any]:
    return list({page.url or id(page): page for page in reversed(found)}.values())[::-1]


def _card(page: Any, number: int) -> Markup:
    title = cut(_title(page), _TITLE)
    facts = [_host(page.url or ""), _score(page).strip(" ()")]
    snippet = " ".join((page.content or "")[: 4 * _SNIPPET].split())
    if len(snippet) > _SNIPPET:
        snippet = snippet[: _SNIPPET - 1] + "…"
    return el(
        "li",
        el("div", f"{number}. ", link(page.url or "", title)),
        el("div", " · ".join(fact for fact in facts if fact), class_="gn-live"),
        el("div", snippet) if snippet else None,
    )


def _title(page: Any) -> str:
    return (page.title or "").strip() or page.url or "untitled"


def _host(url: str) -> str:
    if safe_url(url) is None:
        # A click must not open it; a reader may still want to know.
        return cut(url, _TITLE)
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _score(page: Any) -> str:
    score = getattr(page, "score", None)
    return f" (score {score:.2f})" if isinstance(score, (int, float)) else ""


def _image(image: Any) -> tuple[str, str]:
    """An image's address, and what to call it."""
    if isinstance(image, Mapping):
        url = image.get("url") or image.get("image_url")
        url = url if isinstance(url, str) else ""
        told = image.get("description") or image.get("title")
        return url, told if isinstance(told, str) and told.strip() else url or "untitled"
    url = image if isinstance(image, str) else ""
    return url, url or "untitled"


def _line(text: str) -> str:
    return " ".join(clean(text).split())
