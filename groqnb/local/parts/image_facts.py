"""What can be told of an image by arithmetic: brightness, colours, whether it is drawn.

No names of things: nothing here knows what a picture shows. What a camera wrote into the file
(place, time, owner) is not looked at.
"""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["facts", "opened"]

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# Enough to judge colours by, and quick whatever the image's size.
_SAMPLE = (96, 96)
# The middle is judged for how its pixels differ, at full size: shrinking would blur that.
_CROP = 512
_SHARE = 0.04
_MOST_COLOURS = 4
_HUES = (
    (0.035, "red"),
    (0.105, "orange"),
    (0.18, "yellow"),
    (0.44, "green"),
    (0.53, "turquoise"),
    (0.70, "blue"),
    (0.79, "violet"),
    (0.94, "pink"),
    (1.01, "red"),
)


def opened(data: bytes, most_pixels: int) -> Image:
    """The image in `data`, decoded as RGB and upright. Raises ValueError when it is broken.

    The decoder's word on the size counts too, before it decodes: headers can contradict
    themselves.
    """
    import io

    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > most_pixels:
                raise ValueError("its size is not what its header says")
            image.draft("RGB", (2000, 2000))
            return _flat(ImageOps.exif_transpose(image))
    except ValueError:
        raise
    except Exception as error:  # decoders fail in many ways, each of them means the same
        raise ValueError(f"it is broken ({type(error).__name__})") from error


def _flat(image: Image) -> Image:
    """Without transparency: on white, or on black where what is drawn is light itself."""
    from PIL import Image as pillow
    from PIL import ImageStat

    if image.mode.startswith("I"):
        # 16 bits a pixel: Pillow would cut them off instead of scaling.
        import numpy as np

        return pillow.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    drawn = image.convert("RGBA")
    alpha = drawn.getchannel("A")
    light = ImageStat.Stat(drawn.convert("L"), mask=alpha).mean[0] if alpha.getbbox() else 0.0
    ground = pillow.new("RGBA", drawn.size, "black" if light > 200 else "white")
    return pillow.alpha_composite(ground, drawn).convert("RGB")


def facts(image: Image) -> str:
    """A few words on an RGB image.

    As in "bright; mostly white, also blue; flat, as a drawing or a page".
    """
    import numpy as np

    pixels = np.asarray(image.resize(_SAMPLE)).reshape(-1, 3).tolist()
    counts: dict[str, int] = {}
    light = 0.0
    for red, green, blue in pixels:
        name = _colour(red, green, blue)
        counts[name] = counts.get(name, 0) + 1
        light += (299 * red + 587 * green + 114 * blue) / 1000
    brightness = light / len(pixels)
    ranked = sorted(counts, key=lambda name: -counts[name])
    kept = [name for name in ranked if counts[name] >= _SHARE * len(pixels)][:_MOST_COLOURS]
    colours = f"mostly {kept[0]}" if kept else "of many colours"
    if len(kept) > 1:
        colours += f", also {', '.join(kept[1:])}"
    return f"{_brightness(brightness)}; {colours}; {_kind(image)}"


def _kind(image: Image) -> str:
    """Whether neighbours are alike, as on paper and screens, or differ, as before a lens."""
    import numpy as np

    left, top = (max(0, (side - _CROP) // 2) for side in image.size)
    right, bottom = (side - start for side, start in zip(image.size, (left, top), strict=True))
    crop = np.asarray(image.crop((left, top, right, bottom))).astype(int)
    if crop.shape[1] < 2:
        return "a single column"
    alike = float((abs(crop[:, 1:] - crop[:, :-1]).max(axis=2) <= 1).mean())
    return "flat, as a drawing or a page" if alike > 0.6 else "full of shades, as a photo"


def _brightness(mean: float) -> str:
    if mean < 50:
        return "very dark"
    if mean < 100:
        return "dark"
    if mean < 160:
        return "of medium brightness"
    return "bright" if mean < 215 else "very bright"


def _colour(red: int, green: int, blue: int) -> str:
    """The everyday name of a colour."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.17:
        return "black"
    if saturation < 0.13:
        return "white" if value > 0.88 else "grey"
    if 0.03 < hue < 0.12 and value < 0.62:
        return "brown"
    return next(name for end, name in _HUES if hue < end)
