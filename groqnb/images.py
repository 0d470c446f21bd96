"""Pictures of every kind as image parts of a message.

`to_part` takes what a notebook has at hand: a path, a URL, bytes, a Pillow image, a matplotlib
figure, a numpy array, an image picker. What is too large for a request is shrunk, and that is told.

```python
part = to_part("receipt.png")
client.chat.completions.create(
    model="meta-llama/llama-4-scout-17b-16e-instruct",
    messages=[{"role": "user", "content": [{"type": "text", "text": "How much?"}, part]}],
)
```
"""

from __future__ import annotations

import base64
import binascii
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groqnb import catalog
from groqnb.image_encoding import Encoded, encode
from groqnb.local.image_header import Header, header
from groqnb.record.scrub import Scrubber, secrets_of_environment
from groqnb.types.errors import ParameterError

__all__ = [
    "MOST_BYTES",
    "ImageShrunk",
    "Picture",
    "encoded",
    "facts",
    "pictures",
    "to_part",
    "to_parts",
]

#: What the images of one request may weigh in bytes, before base64 makes a third more of it: the
#: documented 4 MB of a request, less some room for its text.
MOST_BYTES = (catalog.limit("image_base64_request_mb") * 1_000_000 - 150_000) * 3 // 4
# A file above this is no picture for a prompt; reading it would only fill the memory.
_LARGEST_FILE = 250_000_000
_HEAD = 4 * 65536


class ImageShrunk(UserWarning):
    """An image is sent smaller than it was, because a request has limits."""


@dataclass(frozen=True)
class Picture:
    """An image that can be sent.

    `url` is its address, or a data: URL with the image in it; `size` is in bytes, None for an
    address; `header` is its kind and its size in pixels, None for an address; `shrunk` is the
    size in pixels that it had before it was made to fit, None where nothing was done.
    """

    url: str
    size: int | None = None
    header: Header | None = None
    shrunk: tuple[int, int] | None = None

    @property
    def part(self) -> dict[str, Any]:
        """The part of a message's content, as the API takes it."""
        return {"type": "image_url", "image_url": {"url": self.url}}


def to_part(source: Any) -> dict[str, Any]:
    """One image as a part of a message's content.

    `source` is a path, an http(s) or data: URL, bytes, an open file, a Pillow image, a matplotlib
    figure or axes, a numpy array (grey, RGB or RGBA; 0–255, or 0.0–1.0), an `IPython` image, or a
    part made before. Warns (ImageShrunk) when it had to be shrunk. Raises ParameterError.

    ```python
    to_part(plt.gcf())
    to_part("https://example.org/map.png")
    ```
    """
    parts = to_parts(source)
    if len(parts) != 1:
        raise ParameterError(f"this gives {len(parts)} images; to_parts takes several")
    return parts[0]


def to_parts(*sources: Any) -> list[dict[str, Any]]:
    """Several images as parts of a message's content, in order. Lists give each of their images.

    All of them together are shrunk to fit one request. Raises ParameterError, also for more
    images than a request may have.

    ```python
    to_parts("before.jpg", "after.jpg")
    to_parts(picker)  # what was picked in groqnb.ImagePicker()
    ```
    """
    made = pictures(sources)
    for number, picture in enumerate(made, start=1):
        if picture.shrunk is not None:
            warnings.warn(f"image {number} was {told(picture)}", ImageShrunk, stacklevel=2)
    return [picture.part for picture in made]


def pictures(
    sources: Sequence[Any], *, taken: int = 0, most_bytes: int | None = None
) -> list[Picture]:
    """The images of `sources`, encoded and shrunk so that they fit one request.

    `taken` images are in the request already; `most_bytes` is what is left for these, MOST_BYTES
    by default. Raises ParameterError.
    """
    found = [each for source in sources for each in _each(source)]
    most = catalog.limit("images")
    if len(found) + taken > most:
        also = f" and there are {taken} in it already" if taken else ""
        raise ParameterError(f"a request holds at most {most} images; these are {len(found)}{also}")
    opened = [_opened(source) for source in found]
    inline = sum(isinstance(each, Encoded) for each in opened)
    left = MOST_BYTES if most_bytes is None else most_bytes
    made: dict[int, Picture] = {}
    # The small ones first: what they do not need is the others' to use.
    order = sorted(range(len(opened)), key=lambda index: _weight(opened[index]))
    for index in order:
        each = opened[index]
        if isinstance(each, Picture):
            made[index] = each
            continue
        fitted = encode(each, max(0, left) // inline)
        left -= len(fitted.data)
        inline -= 1
        changed = fitted.data is not each.data or fitted.size != each.size
        made[index] = _picture(fitted, shrunk=each.size if changed else None)
    return [made[index] for index in range(len(opened))]


def encoded(source: Any) -> list[Encoded | str]:
    """The images in `source` as bytes, not shrunk yet; an http(s) address stays one.

    Takes what `to_part` takes. Raises ParameterError.
    """
    opened = [_opened(each) for each in _each(source)]
    return [each if isinstance(each, Encoded) else each.url for each in opened]


def told(picture: Picture) -> str:
    """How a picture was shrunk, for people."""
    assert picture.shrunk is not None
    assert picture.header is not None
    before, after = picture.shrunk, picture.header
    if before == (after.width, after.height):
        return f"made a {after.kind} to fit the limits of a request"
    return (
        f"shrunk from {before[0]}×{before[1]} to {after.width}×{after.height} pixels "
        "to fit the limits of a request"
    )


def facts(part: Mapping[str, Any]) -> str:
    """What an image part is, in a few words and without its bytes.

    ```python
    >>> facts({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}})
    'https://example.org/a.png'

    ```
    """
    url = str((part.get("image_url") or {}).get("url", ""))
    if not url.startswith("data:"):
        url = Scrubber(secrets_of_environment()).text(url)
        return url if len(url) <= 100 else f"{url[:99]}…"
    text = url.partition(",")[2]
    try:
        found = header(base64.b64decode(text[: _HEAD - _HEAD % 4]))
    except (binascii.Error, ValueError):
        found = None
    size = len(text) * 3 // 4
    return f"{found or 'of an unknown kind'}, {_amount(size)}"


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1e3))} kB"


def _picture(fitted: Encoded, shrunk: tuple[int, int] | None) -> Picture:
    found = header(fitted.data)
    assert found is not None
    text = base64.b64encode(fitted.data).decode("ascii")
    return Picture(f"data:{found.media_type};base64,{text}", len(fitted.data), found, shrunk)


def _weight(opened: Picture | Encoded) -> int:
    return 0 if isinstance(opened, Picture) else len(opened.data)


def _each(source: Any) -> list[Any]:
    """The images in `source`: a list has several, a picker what was picked."""
    if isinstance(source, (list, tuple)):
        return [each for part in source for each in _each(part)]
    if callable(getattr(source, "to_parts", None)):
        parts = source.to_parts()
        if not parts:
            raise ParameterError("no image was picked yet")
        return list(parts)
    return [source]


def _opened(source: Any) -> Picture | Encoded:
    """An address, or the bytes of an image that is known by its header."""
    if isinstance(source, Picture):
        return source
    if isinstance(source, Mapping):
        return _from_part(source)
    if isinstance(source, str):
        return _from_text(source)
    if isinstance(source, os.PathLike):
        return _from_path(Path(os.fspath(source)))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Encoded.of(bytes(source), "these bytes")
    if _is(source, "PIL.Image", "Image"):
        return Encoded.of_pillow(source)
    if _is(source, "numpy", "ndarray"):
        return Encoded.of_array(source)
    for figure in (source, getattr(source, "figure", None)):
        if callable(getattr(figure, "savefig", None)):
            return Encoded.of_figure(figure)
    if callable(getattr(source, "read", None)):
        data = source.read()
        if isinstance(data, bytes):
            return Encoded.of(data, "this file")
        raise ParameterError("this file was opened as text; open it with mode 'rb'")
    return _from_display(source)


def _is(value: Any, module: str, name: str) -> bool:
    """Whether `value` is of a class of a module that may not be imported, and then it is not."""
    known = getattr(sys.modules.get(module), name, None)
    return known is not None and isinstance(value, known)


def _from_part(part: Mapping[str, Any]) -> Picture | Encoded:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else None
    if part.get("type") != "image_url" or not isinstance(url, str):
        raise ParameterError('a part must read {"type": "image_url", "image_url": {"url": "..."}}')
    return _from_text(url)


def _from_text(text: str) -> Picture | Encoded:
    start = text[:12].lower()
    if start.startswith(("http://", "https://")):
        return Picture(text.strip())
    if start.startswith("data:"):
        head, comma, rest = text.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise ParameterError("a data: URL of an image must be in base64")
        try:
            return Encoded.of(
                base64.b64decode("".join(rest.split()), validate=True), "this data: URL"
            )
        except (binascii.Error, ValueError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError("the data: URL is not valid base64") from None
    if "://" in text[:32]:
        raise ParameterError(f"images come from http(s) addresses, not from {text[:64]}")
    return _from_path(Path(os.path.expanduser(text)))


def _from_path(path: Path) -> Encoded:
    shown = str(path)
    if len(shown) > 200:
        # Base64 without the beginning of a data: URL, as likely as not.
        raise ParameterError(f"{shown[:40]}… is no path, and no address of an image")
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ParameterError(f"{path} is a folder")
        if size > _LARGEST_FILE:
            raise ParameterError(f"{path} has {_amount(size)}; that is too large for an image")
        return Encoded.of(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise ParameterError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise ParameterError(f"the image {path} cannot be read: {reason}") from None


def _from_display(source: Any) -> Picture | Encoded:
    """What IPython shows as an image: `IPython.display.Image`, and objects with `_repr_png_`."""
    data = getattr(source, "data", None)
    if isinstance(data, bytes):
        return Encoded.of(data, "this image")
    if isinstance(getattr(source, "url", None), str) and source.url:
        return _from_text(source.url)
    shown = getattr(source, "_repr_png_", None)
    png = shown() if callable(shown) and not isinstance(source, type) else None
    if isinstance(png, str):
        png = base64.b64decode(png)
    if isinstance(png, bytes):
        return Encoded.of(png, "this object's picture")
    raise ParameterError(
        f"an object of type {type(source).__name__} is no image; give a path, a URL, bytes, "
        "a Pillow image, a matplotlib figure or a numpy array"
    )
