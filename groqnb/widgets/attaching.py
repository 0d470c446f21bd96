"""Images that were put on a widget's page, kept until they are sent; see static/attach.js."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb import catalog
from groqnb.image_encoding import thumb
from groqnb.images import MOST_BYTES, Picture, facts, pictures
from groqnb.render.html import Markup, el, picture
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from threading import RLock

__all__ = ["Attaching", "Thumbs", "can_see", "image_html", "thumbnail"]

Thumbs = Mapping[str, bytes]
"""Small pictures (JPEG or PNG) by the address of the image that they show."""

_MOST_THUMB = 100_000  # bytes


class Attaching:
    """What widgets have in common to whose pages images can be added, by choice, paste and drop.

    The widget has "detach" among its `asks`, and gives `_received("image", …)` to `_attach`.
    """

    _lock: RLock

    def __init__(self, **options: Any) -> None:
        self._attached: dict[str, Picture] = {}
        self._names: dict[str, str] = {}
        self._thumbs: dict[str, bytes] = {}
        self._added = 0
        super().__init__(**options)

    def _attach(self, data: bytes, meta: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an image that the page uploaded; what the page is told of it."""
        [made] = pictures([data])
        small = _bytes_of(meta.get("thumb"))
        if small:
            self._thumbs[made.url] = small
        return self._keep(made, str(meta.get("name") or ""))

    def _keep(self, made: Picture, name: str) -> dict[str, Any]:
        with self._lock:
            most = catalog.limit("images")
            if len(self._attached) >= most:
                raise ParameterError(f"A request holds at most {most} images.")
            self._added += 1
            id = f"image-{self._added}"
            self._attached[id] = made
            self._names[id] = name
        return {"id": id, "facts": facts(made.part)}

    def _attached_now(self) -> list[dict[str, Any]]:
        """What a page that opens is told of the images."""
        with self._lock:
            return [
                {"id": id, "facts": facts(each.part), "name": self._names[id] or None}
                for id, each in self._attached.items()
            ]

    def _ask_detach(self, content: Mapping[str, Any]) -> None:
        with self._lock:
            self._attached.pop(str(content["id"]), None)

    def _fitted(self, sources: Sequence[Any], before: Sequence[Mapping[str, Any]] = ()) -> Any:
        """The images, made to fit into a request beside the image parts that stood `before`."""
        if not sources:
            return []
        urls = [str(part["image_url"]["url"]) for part in before]
        used = sum(len(url) for url in urls if url.startswith("data:")) * 3 // 4
        made = pictures(sources, taken=len(urls), most_bytes=MOST_BYTES - used)
        for each in made:
            small = None if each.url in self._thumbs else thumbnail(each.part)
            if small is not None:
                self._thumbs[each.url] = small
        return made


def can_see(model: str) -> None:
    """Raises ParameterError for a model that takes no images, with those that do."""
    known = catalog.find(model)
    if known is not None and not known.capabilities.get("vision"):
        able = [
            each.id
            for each in catalog.models()
            if each.kind == "chat" and each.capabilities.get("vision")
        ]
        raise ParameterError(f"{model} takes no images.", hint=f"These do: {', '.join(able)}.")


def thumbnail(part: Mapping[str, Any]) -> bytes | None:
    """A small picture of an image part; None for an address, and without Pillow."""
    url = str((part.get("image_url") or {}).get("url", ""))
    if not url.startswith("data:"):
        return None
    try:
        data = base64.b64decode(url.partition(",")[2])
    except ValueError:
        return None
    return thumb(data) or None  # without its picture, its size and kind are told


def image_html(part: Mapping[str, Any], thumbs: Thumbs) -> Markup:
    """A small picture of an image part, or what is known of it in words."""
    said = facts(part)
    data = thumbs.get(str((part.get("image_url") or {}).get("url", "")))
    if data is not None and len(data) <= _MOST_THUMB:
        try:
            return picture(data, f"image: {said}")
        except ValueError:
            pass
    return el("span", f"[image: {said}]", class_="gn-about")


def _bytes_of(text: object) -> bytes | None:
    if not isinstance(text, str) or len(text) > 2 * _MOST_THUMB:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
