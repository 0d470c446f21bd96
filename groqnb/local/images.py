"""What the engine makes of the images in a request.

No model here can see. The text in an image is read by OCR, and a few facts are worked out; both
go into the prompt, as a description of an image and with the word of how it was made. So a
receipt, a sign, a page or a labelled chart can be asked about, and a landscape cannot; replies say
in their fingerprint (`_with_ocr`) and in a header that this is how images were looked at.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from groqnb import catalog
from groqnb.local.chat_messages import Turn
from groqnb.local.image_fetch import TooLarge, fetch
from groqnb.local.image_header import Header
from groqnb.local.image_parts import MEGABYTE, ImagePart, checked_header, from_data_url
from groqnb.local.parts import image_facts, ocr
from groqnb.local.public_address import BadUrl
from groqnb.local.refusal import Refusal

__all__ = ["SEEN", "Eyes"]

#: The header of replies to requests with images.
SEEN = {"x-groqnb-vision": "OCR and image facts; no model here sees"}

_MOST_TEXT = 6000
_REMEMBERED = 64


class Eyes:
    """Looks at images. What it needs is loaded at the first one.

    `private` lets URLs lead to this machine and its network: for tests, and for nothing else.
    """

    def __init__(self) -> None:
        self.private = False
        self._ocr = ocr.Ocr()
        self._thread = ThreadPoolExecutor(1, "see")
        # Every turn of a conversation sends its images again.
        self._known: OrderedDict[bytes, str] = OrderedDict()

    async def described(self, turns: Sequence[Turn]) -> list[Turn]:
        """`turns` with what is in their images, in words. Raises a 400, or a 501."""
        missing = ocr.missing_package()
        if missing is not None and any(turn.images for turn in turns):
            raise _not_installed(missing)
        left = catalog.limit("image_url_request_mb") * MEGABYTE
        made: list[Turn] = []
        for turn in turns:
            told: list[str] = []
            for image in turn.images:
                if image.inline:
                    data = from_data_url(image)
                else:
                    data = await _fetched(image, left, private=self.private)
                    left -= len(data)
                told.append(f"{image.mark} {await self._described(image, data)}")
            seen = "".join(f"\n\n{each}" for each in told)
            made.append(replace(turn, content=turn.content + seen, seen=seen))
        return made

    async def _described(self, image: ImagePart, data: bytes) -> str:
        found = checked_header(image, data)
        key = hashlib.sha256(data).digest()
        if key not in self._known:
            look = asyncio.get_running_loop().run_in_executor(self._thread, self._look, data, found)
            try:
                self._known[key] = await look
            except ValueError as error:
                raise image.refusal(f"the image cannot be read: {error}") from None
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def _look(self, data: bytes, found: Header) -> str:
        """The description of an image. Raises ValueError where it cannot be decoded."""
        image = image_facts.opened(data, catalog.limit("image_pixels"))
        size = sorted((found.width, found.height), reverse=image.width > image.height)
        told = f"a {found.kind} of {size[0]}×{size[1]} pixels; {image_facts.facts(image)}"
        lines = self._ocr.read(image)
        text = "\n".join(lines)
        if not text:
            return f"is {told}. OCR on this machine read no text in it."
        if len(text) > _MOST_TEXT:
            text = f"{text[:_MOST_TEXT]}\n(the rest was left out)"
        # The text first: small models take the numbers among the facts for an answer otherwise.
        return f'shows this text, read by OCR on this machine:\n"""\n{text}\n"""\nIt is {told}.'


async def _fetched(image: ImagePart, most: int, *, private: bool) -> bytes:
    try:
        return await fetch(image.url, most, private=private)
    except TooLarge:
        limit = catalog.limit("image_url_request_mb")
        raise image.refusal(
            f"with this image the request has more than {limit} MB", "image_too_large"
        ) from None
    except BadUrl as error:
        raise image.refusal(f"the image cannot be fetched: {error}", "invalid_image_url") from None


def _not_installed(package: str) -> Refusal:
    return Refusal(
        501,
        f"The local engine needs the package {package!r} to look at images. "
        'Install it with: pip install "groqnb[vision]"',
        type="not_implemented_error",
        code="not_implemented",
        param="messages",
    )
