"""The images of a picker: what is sent of each, what it was, and what is told of it."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from groqnb import catalog
from groqnb.image_encoding import thumb
from groqnb.images import MOST_BYTES, Picture, pictures
from groqnb.local.image_header import Header, header
from groqnb.render.html import Child, el, picture
from groqnb.render.plain import clean
from groqnb.types.errors import ParameterError

__all__ = ["Picked", "fetched", "fit", "name_of", "thumb_from", "told"]

_MOST_FETCHED = 50_000_000
_MOST_THUMB = 60_000
_MOST_NAME = 120


@dataclass(frozen=True)
class Picked:
    """One image of a picker.

    `data` is what is sent, `header` its kind and pixels; `source` is "upload", "paste", "drop",
    "camera", "url" or "python". `before` tells what it was before it was shrunk (kind, width,
    height, size in bytes), None where it is sent as it came. `original` is that, where it is kept
    or where Python may have to shrink it once more; `thumb` a JPEG of a few kB.
    """

    id: str
    name: str
    data: bytes
    header: Header
    source: str
    before: Mapping[str, Any] | None = None
    original: bytes | None = None
    thumb: bytes = b""

    @property
    def state(self) -> dict[str, Any]:
        """What the page knows of it."""
        shown = base64.b64encode(self.thumb).decode("ascii")
        return {
            "id": self.id,
            "name": self.name,
            "source": self.source,
            "kind": self.header.kind,
            "width": self.header.width,
            "height": self.header.height,
            "size": len(self.data),
            "before": dict(self.before) if self.before else None,
            "thumb": f"data:image/jpeg;base64,{shown}" if shown else "",
        }


def fit(own: Sequence[Picked], others: int) -> list[Picked]:
    """`own` shrunk so that they fit one request beside images of `others` bytes from the page.

    Raises ParameterError, where Pillow is missing for it.
    """
    if not own:
        return []
    fair = MOST_BYTES * len(own) // catalog.limit("images")
    made = pictures(
        [each.original or each.data for each in own], most_bytes=max(fair, MOST_BYTES - others)
    )
    return [_fitted(each, one) for each, one in zip(own, made, strict=True)]


def _fitted(each: Picked, one: Picture) -> Picked:
    assert one.header is not None
    was = each.original or each.data
    data, before = was, None
    if one.shrunk is not None:
        data = base64.b64decode(one.url.partition(",")[2])
        width, height = one.shrunk
        kind = str(found.kind) if (found := header(was)) else ""
        before = {"kind": kind, "width": width, "height": height, "size": len(was)}
    seen = each.thumb or thumb(data)
    return replace(each, data=data, header=one.header, before=before, thumb=seen)


def name_of(source: Any, number: int) -> str:
    """A name for an image from Python: of its file, its address, or a number."""
    if isinstance(source, str) and source[:5].lower() == "data:":
        return f"image {number}"
    if isinstance(source, str) and "://" in source[:32]:
        return unquote(urlsplit(source).path.rpartition("/")[2])[:_MOST_NAME] or source[:_MOST_NAME]
    path = source if isinstance(source, (str, PurePath)) else getattr(source, "name", None)
    if isinstance(path, (str, PurePath)) and PurePath(path).name:
        return PurePath(path).name[:_MOST_NAME]
    return f"image {number}"


def thumb_from(text: Any) -> bytes:
    """A thumbnail that the page made; empty for what is none."""
    try:
        data = base64.b64decode(str(text or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if len(data) <= _MOST_THUMB and data.startswith(b"\xff\xd8\xff") else b""


def fetched(url: str) -> bytes:
    """The image at an address that the user gave; waits for it. Raises ParameterError."""
    from groqnb.local.image_fetch import fetch
    from groqnb.local.public_address import BadUrl

    # In a thread of its own, since an event loop may be running in this one.
    worker = ThreadPoolExecutor(1)
    try:
        # The user's own wish, unlike one in a request: their own network may be asked too.
        job = worker.submit(asyncio.run, fetch(url, _MOST_FETCHED, private=True))
        data = job.result()
    except BadUrl as error:
        why = str(error).partition(" (is there")[0]
        raise ParameterError(
            f"{url[:200]} cannot be fetched: {why}.",
            hint="What your browser can show, you can copy there and paste into an ImagePicker.",
        ) from None
    finally:
        worker.shutdown(wait=False)
    if header(data) is None and data[:200].lstrip()[:1] == b"<":
        raise ParameterError(
            f"At {url[:200]} is a page, not an image.",
            hint="Copy the address of the image itself: right click, Copy image address.",
        )
    return data


def told(images: Sequence[Picked]) -> tuple[list[Child], str]:
    """What is saved with the notebook: thumbnails in HTML, and plain text."""
    if not images:
        return [], ""
    figures, lines = [], []
    for number, each in enumerate(images, start=1):
        line = f"{number}. {clean(each.name)}: {_facts(each)}"
        lines.append(line)
        seen = picture(each.thumb, each.name) if each.thumb else None
        figures.append(el("div", seen, el("div", line, class_="gn-about")))
    count = "1 image" if len(images) == 1 else f"{len(images)} images"
    total = f"{count} picked, {_amount(sum(len(each.data) for each in images))}"
    shown: list[Child] = [el("p", total), el("div", *figures, class_="gn-thumbs")]
    return [el("div", *shown, class_="gn-picked")], "\n".join([total, *lines])


def _facts(each: Picked) -> str:
    said = f"{each.header}, {_amount(len(each.data))}"
    if each.before:
        was = each.before
        said += f" (was {was['width']}×{was['height']}, {_amount(was['size'])})"
    return said


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1e3))} kB"
