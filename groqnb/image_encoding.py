"""Images as bytes that a request can carry: encoded, and shrunk where they are too large.

Pillow does the work. It is needed for arrays, for kinds of files that the API does not take, and
for shrinking; a PNG, JPEG, WebP or GIF of moderate size goes as it is.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groqnb import catalog
from groqnb.local.image_header import KINDS, header
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Encoded", "encode", "thumb"]

# Below this many bytes an image is not worth sending.
_FEWEST_BYTES = 4096
_QUALITIES = (90, 80, 65)
_SMALLER = 0.75


@dataclass(frozen=True)
class Encoded:
    """The bytes of an image, and its width and height in pixels."""

    data: bytes
    size: tuple[int, int]

    @classmethod
    def of(cls, data: bytes, name: str) -> Encoded:
        """The bytes of a file; other kinds than the API takes are made into PNG.

        `name` is for what is said when they are no image. Raises ParameterError.
        """
        if not data:
            raise ParameterError(f"{name} is empty")
        found = header(data)
        if found is not None:
            return cls(data, (found.width, found.height))
        kinds = ", ".join(KINDS)
        try:
            image = _open(data)
        except ImportError:
            raise ParameterError(
                f"{name} is no image of a known kind ({kinds})",
                hint="With Pillow other kinds work as well: pip install pillow",
            ) from None
        except Exception:  # noqa: BLE001 — decoders fail in many ways, and all mean the same
            raise ParameterError(f"{name} is no image that can be read; {kinds} can") from None
        return cls.of_pillow(image)

    @classmethod
    def of_pillow(cls, image: Image) -> Encoded:
        """A Pillow image, as PNG: nothing is lost."""
        if image.width < 1 or image.height < 1:
            raise ParameterError("the image has no pixels")
        fitting = _within(image, catalog.limit("image_pixels"))
        # Of a large image most is thrown away again: be quick about it.
        effort = 6 if fitting.width * fitting.height < 1_000_000 else 1
        return cls(_save(fitting, "PNG", compress_level=effort), image.size)

    @classmethod
    def of_figure(cls, figure: Any) -> Encoded:
        """A matplotlib figure, as it would be saved."""
        file = io.BytesIO()
        # Without matplotlib's version in it: the same figure is the same image after an upgrade.
        figure.savefig(file, format="png", bbox_inches="tight", metadata={"Software": None})
        return cls.of(file.getvalue(), "the figure")

    @classmethod
    def of_array(cls, array: Any) -> Encoded:
        """A numpy array: height × width, or height × width × 1, 3 or 4; 0–255 or 0.0–1.0."""
        import numpy as np

        values = np.asarray(array)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[:, :, 0]
        if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (3, 4)):
            shape = " × ".join(map(str, values.shape)) or "no"
            raise ParameterError(
                f"an array of shape {shape} is no image; height × width, with 3 or 4 colours after "
                "it, is"
            )
        if 0 in values.shape:
            raise ParameterError("the array has no pixels")
        return cls.of_pillow(_pillow().fromarray(_bytes(values)))


def _bytes(values: Any) -> Any:
    """The array as numbers from 0 to 255."""
    import numpy as np

    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise ParameterError(f"an array of {values.dtype} is no image; numbers from 0 to 255 are")
    if not np.isfinite(values).all():
        raise ParameterError("the array holds values that are no numbers (NaN or infinity)")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise ParameterError(
            f"the array's values go from {low:g} to {high:g}; an image has 0 to 255, or 0.0 to 1.0"
        )
    if not np.issubdtype(values.dtype, np.integer) and high <= 1:
        values = values * 255
    return np.ascontiguousarray(np.rint(values).astype(np.uint8))


def encode(image: Encoded, most_bytes: int) -> Encoded:
    """`image` with at most `most_bytes` bytes and the documented number of pixels.

    First as it is; else as JPEG, and then smaller and smaller. Raises ParameterError where
    nothing useful would be left, or Pillow is missing.
    """
    most_pixels = catalog.limit("image_pixels")
    found = header(image.data)
    if found is not None and found.pixels <= most_pixels and len(image.data) <= most_bytes:
        return Encoded(image.data, (found.width, found.height))
    if most_bytes < _FEWEST_BYTES:
        raise ParameterError(
            "the images in this conversation fill a request already",
            hint="Start a new conversation, or give images by their http(s) address.",
        )
    try:
        picture = _within(_flat(_open(image.data)), most_pixels)
    except ImportError:
        raise ParameterError(
            f"the image is too large for a request ({len(image.data):,} bytes, "
            f"{image.size[0]}×{image.size[1]} pixels)",
            hint="With Pillow it can be shrunk: pip install pillow",
        ) from None
    except Exception as error:  # noqa: BLE001 — as above
        if type(error).__name__ == "DecompressionBombError":
            raise ParameterError(
                f"the image has {image.size[0]:,}×{image.size[1]:,} pixels; Pillow opens none so "
                "large",
                hint="Save it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS.",
            ) from None
        raise ParameterError(f"the image is broken ({type(error).__name__})") from None
    while True:
        for quality in _QUALITIES:
            data = _save(picture, "JPEG", quality=quality)
            if len(data) <= most_bytes:
                return Encoded(data, picture.size)
        picture = picture.resize(_scaled(picture.size, _SMALLER))


def thumb(data: bytes, side: int = 160) -> bytes:
    """A small JPEG to look at, its longer side `side` pixels; empty where none can be made."""
    try:
        from PIL import Image

        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (side, side))
            image.thumbnail((4 * side, 4 * side))  # quick, for what comes is heavy work
            small = _flat(_upright(image))
        small.thumbnail((side, side))
        return _save(small, "JPEG", quality=75)
    except Exception:  # noqa: BLE001 - no Pillow, or a broken image: a sight less, and no more
        return b""


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ParameterError(
            "making an image of this needs Pillow", hint="Install it: pip install pillow"
        ) from None
    return Image


def _open(data: bytes) -> Image:
    """The image in `data`, upright. Raises ImportError, and whatever decoders raise."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        # A JPEG can be read at half its size or less, which spares the memory.
        image.draft("RGB", (4000, 4000))
        return _upright(image)


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _flat(image: Image) -> Image:
    """Without transparency, which JPEG does not have: on white."""
    from PIL import Image as pillow

    if image.mode == "I;16":
        # Pillow would cut the upper values off instead of scaling.
        return image.convert("I").point([value >> 8 for value in range(65536)], "L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    drawn = image.convert("RGBA")
    return pillow.alpha_composite(pillow.new("RGBA", drawn.size, "white"), drawn).convert("RGB")


def _within(image: Image, most_pixels: int) -> Image:
    pixels = image.width * image.height
    if pixels <= most_pixels:
        return image
    return image.resize(_scaled(image.size, (most_pixels / pixels) ** 0.5 * 0.999))


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    width, height = size
    return max(1, int(width * factor)), max(1, int(height * factor))


def _save(image: Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    if kind == "PNG" and image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = image.convert("RGB")
    image.save(file, kind, **how)
    return file.getvalue()
