"""Image parts of messages: checked as documented, before anything is fetched or decoded.

Docs: "Images and Vision": at most 5 images; a request with a URL image 20 MB (400), with an image
in base64 4 MB (413); 33,177,600 pixels an image (400).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.image_header import KINDS, Header, header
from groqnb.local.refusal import Refusal, bad_request

__all__ = ["MEGABYTE", "ImagePart", "check_images", "checked_header", "from_data_url", "read_part"]

MEGABYTE = 1_000_000
_DETAILS = ("auto", "low", "high")


@dataclass(frozen=True)
class ImagePart:
    """An image in a message: its number in the request, its URL, and the field that holds it.

    The text of the message has `mark` where the image stands.
    """

    number: int
    url: str
    at: str

    @property
    def mark(self) -> str:
        """As in `[image 1]`."""
        return f"[image {self.number}]"

    @property
    def inline(self) -> bool:
        """Whether the image is in the URL itself."""
        return self.url[:5].lower() == "data:"

    def refusal(self, reason: str, code: str = "invalid_image") -> Refusal:
        """A 400 that names this image. `reason` ends a sentence about it."""
        return bad_request(f"`{self.at}`: {reason}.", self.at, code)


def read_part(part: dict[str, Any], at: str, number: int) -> ImagePart:
    """The image in `part`, the value of the field `at`. Raises a 400."""
    image = fields.mapping(part, "image_url", at=f"{at}.")
    if image is None:
        raise bad_request(f"`{at}.image_url` is required.", f"{at}.image_url")
    url = fields.string(image, "url", at=f"{at}.image_url.", required=True)
    assert url is not None
    fields.choice(image, "detail", _DETAILS, at=f"{at}.image_url.")
    if not url[:12].lower().startswith(("http://", "https://", "data:image/")):
        raise bad_request(
            f"`{at}.image_url.url` must start with http://, https:// or data:image/.",
            f"{at}.image_url.url",
        )
    return ImagePart(number, url, f"{at}.image_url.url")


def check_images(images: Sequence[ImagePart], messages: object, model: ModelInfo | None) -> None:
    """Number and size of a request's images, and whether the model takes any. Raises 400, 413."""
    most = catalog.limit("images")
    if len(images) > most:
        raise bad_request(
            f"A request may hold at most {most} images; this one has {len(images)}.", "messages"
        )
    size = _size(messages)
    most_inline, most_by_url = _limits()
    if any(image.inline for image in images) and size > most_inline:
        raise Refusal(
            413,
            f"A request with images in base64 may hold at most {most_inline // MEGABYTE} MB.",
            code="request_too_large",
            param="messages",
        )
    if any(not image.inline for image in images) and size > most_by_url:
        raise bad_request(
            f"A request with images by URL may hold at most {most_by_url // MEGABYTE} MB.",
            "messages",
        )
    if model is not None and not model.capabilities.get("vision"):
        able = [each.id for each in catalog.models() if each.capabilities.get("vision")]
        chat = [f"`{name}`" for name in able if "guard" not in name]
        raise bad_request(
            f"The model `{model.id}` does not take images; {' and '.join(chat)} do.", "messages"
        )


def _limits() -> tuple[int, int]:
    """The bytes of a request with images in base64, and by URL."""
    return (
        catalog.limit("image_base64_request_mb") * MEGABYTE,
        catalog.limit("image_url_request_mb") * MEGABYTE,
    )


def _size(value: object) -> int:
    """About how many bytes a JSON value is: its texts, which is where the bytes are."""
    total, left = 0, [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            total += len(each)
        elif isinstance(each, dict):
            left += [*each, *each.values()]
        elif isinstance(each, list):
            left += each
    return total


def from_data_url(image: ImagePart) -> bytes:
    """The bytes in a data URL. Raises a 400."""
    head, comma, text = image.url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise image.refusal("a data URL must read data:image/png;base64, and then the base64 text")
    try:
        # Tools that make base64 like to break its lines.
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise image.refusal("what follows `base64,` is not valid base64") from None


def checked_header(image: ImagePart, data: bytes) -> Header:
    """The kind and the size of an image, by its bytes. Raises a 400."""
    if not data:
        raise image.refusal("the image is empty")
    found = header(data)
    if found is None:
        *others, last = KINDS
        raise image.refusal(
            f"this is not an image of a kind known here: {', '.join(others)} or {last}"
        )
    most = catalog.limit("image_pixels")
    if found.pixels > most:
        raise image.refusal(
            f"the image has {found.width}×{found.height} = {found.pixels:,} pixels; "
            f"at most {most:,} are allowed",
            "image_too_large",
        )
    return found
