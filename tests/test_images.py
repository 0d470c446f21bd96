"""Pictures of every kind become image parts: as they are, or shrunk until a request takes them."""

from __future__ import annotations

import base64
import builtins
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groqnb.images import MOST_BYTES, ImageShrunk, Picture, facts, pictures, to_part, to_parts
from groqnb.local.image_header import header
from groqnb.types.errors import ParameterError


def encoded(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """An image that no codec makes small."""
    rows = np.random.default_rng(0).integers(0, 256, (height, width, len(mode)), dtype=np.uint8)
    return Image.fromarray(rows if len(mode) > 1 else rows[:, :, 0])


SMALL = Image.new("RGB", (40, 30), "red")
PNG = encoded(SMALL)


def data_of(part: dict[str, Any]) -> bytes:
    assert part["type"] == "image_url"
    head, _, text = part["image_url"]["url"].partition(",")
    data = base64.b64decode(text, validate=True)
    found = header(data)
    assert found is not None
    assert head == f"data:{found.media_type};base64"
    return data


def pixels(part: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(data_of(part)))


# --- what is taken --------------------------------------------------------------------------------


class Picker:
    """As an image picker: `to_parts()`."""

    def __init__(self, *sources: Any) -> None:
        self.sources = sources

    def to_parts(self) -> list[dict[str, Any]]:
        return to_parts(*self.sources)


def files(folder: Path) -> Path:
    path = folder / "a picture.png"
    path.write_bytes(PNG)
    return path


@pytest.mark.parametrize(
    "source",
    [
        PNG,
        bytearray(PNG),
        memoryview(PNG),
        io.BytesIO(PNG),
        "data:image/jpeg;base64," + base64.b64encode(PNG).decode(),
        to_part(PNG),
        Picker(PNG),
        [PNG],
    ],
    ids=["bytes", "bytearray", "memoryview", "file", "data", "part", "picker", "list"],
)
def test_bytes_in_any_wrapping_go_as_they_are(source: Any) -> None:
    """Nothing is encoded anew, and the type is what the bytes are, not what was declared."""
    assert data_of(to_part(source)) == PNG


def test_a_path_is_read_as_text_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces and `~` are no trouble."""
    path = files(tmp_path)
    assert data_of(to_part(str(path))) == data_of(to_part(path)) == PNG
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert data_of(to_part("~/a picture.png")) == PNG


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_kinds_that_the_api_takes_are_not_touched(kind: str) -> None:
    assert data_of(to_part(encoded(SMALL, kind))) == encoded(SMALL, kind)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM"])
def test_other_kinds_become_png(kind: str) -> None:
    """The same pixels in a file that the API takes."""
    made = pixels(to_part(encoded(SMALL, kind)))
    assert (made.format, made.size, made.getpixel((3, 3))) == ("PNG", (40, 30), (255, 0, 0))


def test_an_address_stays_an_address() -> None:
    """Nothing is fetched here: the server does that."""
    for url in ("https://example.org/a.png", "http://example.org/a?b=c"):
        assert to_part(url) == {"type": "image_url", "image_url": {"url": url}}
    assert facts(to_part("https://example.org/a.png")) == "https://example.org/a.png"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "F"])
def test_a_pillow_image_of_any_mode(mode: str) -> None:
    """Modes that PNG does not know are converted."""
    image = SMALL.convert("L").convert("F") if mode == "F" else None
    if mode == "LAB":
        image = Image.new("LAB", SMALL.size)
    made = pixels(to_part(image or SMALL.convert(mode)))
    assert (made.format, made.size) == ("PNG", (40, 30))


@pytest.mark.parametrize(
    ("array", "corner"),
    [
        (np.full((3, 4), 200, np.uint8), 200),
        (np.full((3, 4, 1), 200, np.uint8), 200),
        (np.full((3, 4), 0.5), 128),
        (np.full((3, 4), 200, np.int64), 200),
        (np.full((3, 4), 200.0), 200),
        (np.full((3, 4), True), 255),
        (np.full((3, 4), 1.0), 255),
        (np.full((3, 4), 1, np.uint8), 1),
        (np.full((3, 4, 3), [0, 0.5, 1]), (0, 128, 255)),
        (np.full((3, 4, 3), [9, 8, 7], np.uint8)[:, ::-1], (9, 8, 7)),
        (np.full((3, 4, 4), [9, 8, 7, 6], np.uint8), (9, 8, 7, 6)),
        (np.full((3, 4), 0.5, np.float16), 128),
    ],
)
def test_an_array_of_numbers(array: Any, corner: Any) -> None:
    """Grey, RGB, RGBA; 0 to 255 or 0.0 to 1.0; any type of numbers; any order in memory."""
    made = pixels(to_part(array))
    assert (made.size, made.getpixel((0, 0))) == ((4, 3), corner)


def test_a_figure_and_its_axes() -> None:
    """As matplotlib would save it; the figure may be closed already."""
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([1, 2, 3])
    made = [pixels(to_part(each)).size for each in (figure, axes)]
    plt.close(figure)
    assert pixels(to_part(figure)).size == made[0] == made[1]
    assert made[0][0] > 200


def test_images_of_ipython() -> None:
    """`IPython.display.Image`, with data or an address, and objects that show themselves as PNG."""
    from IPython.display import Image as Shown

    assert data_of(to_part(Shown(data=PNG))) == PNG
    assert to_part(Shown(url="https://example.org/a.png"))["image_url"]["url"].endswith("/a.png")

    class Own:
        def _repr_png_(self) -> bytes:
            return PNG

    assert data_of(to_part(Own())) == PNG


def test_several_keep_their_order() -> None:
    """Lists and pickers are taken apart."""
    sizes = [encoded(Image.new("L", (side, 1))) for side in range(1, 6)]
    parts = to_parts(sizes[0], [sizes[1], (sizes[2],)], Picker(sizes[3], sizes[4]))
    assert [pixels(part).width for part in parts] == [1, 2, 3, 4, 5]


# --- what is refused ------------------------------------------------------------------------------


class Loud:
    """An object that is no image, with everything that could be taken for one."""

    data = "text"
    url = None
    figure = None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "empty"),
        (b"hello", "PNG, JPEG, WebP, GIF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image"),
        ("no such file.png", "no file"),
        (".", "folder"),
        ("\0", "cannot be read"),
        (base64.b64encode(PNG * 20).decode(), "no path"),
        ("ftp://example.org/a.png", "http"),
        ("file:///etc/passwd", "http"),
        ("data:image/png;base64,####", "base64"),
        ("data:image/svg+xml,<svg/>", "base64"),
        ("data:image/png;base64,", "empty"),
        ({"type": "text", "text": "x"}, "image_url"),
        ({"type": "image_url", "image_url": "x"}, "image_url"),
        (None, "NoneType"),
        (3, "int"),
        (Loud(), "Loud"),
        (Loud, "type"),
        (io.StringIO("x"), "rb"),
        ([], "0 images"),
        ([PNG, PNG], "2 images"),
        (Picker(), "picked"),
        (np.zeros(5), "shape 5"),
        (np.zeros((2, 2, 2)), "2 × 2 × 2"),
        (np.zeros((0, 5)), "no pixels"),
        (np.full((2, 2), np.nan), "NaN"),
        (np.full((2, 2), -1.0), "-1"),
        (np.full((2, 2), 256), "256"),
        (np.full((2, 2), 1j), "complex"),
        (np.full((2, 2), "x"), "U1"),
        (np.array(3), "shape no"),
        (PNG[:40] + bytes(20), ""),
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence(source: Any, words: str) -> None:
    """Each says what was wrong; a header alone is believed here, the server looks at the rest."""
    if not words:
        to_part(source)
        return
    with pytest.raises(ParameterError) as caught:
        to_part(source)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_request_holds_five_images() -> None:
    """The count includes what is in the conversation already."""
    assert len(to_parts(*[PNG] * 5)) == 5
    with pytest.raises(ParameterError, match="at most 5 images; these are 6"):
        to_parts(*[PNG] * 6)
    with pytest.raises(ParameterError, match="4 in it already"):
        pictures([PNG, PNG], taken=4)


def test_without_pillow_files_go_as_they_are_and_the_rest_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pillow is no part of the base installation."""
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *rest, **more)

    heavy, bitmap = encoded(noise(1400, 1000)), encoded(SMALL, "BMP")
    monkeypatch.setattr(builtins, "__import__", without)
    assert data_of(to_part(PNG)) == PNG
    for source in (bitmap, np.zeros((2, 2)), heavy):
        with pytest.raises(ParameterError, match="pip install pillow"):
            to_part(source)


# --- what is shrunk -------------------------------------------------------------------------------


def total(parts: list[dict[str, Any]]) -> int:
    return sum(len(part["image_url"]["url"]) for part in parts)


def test_what_fits_is_sent_untouched_and_nothing_is_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_parts(PNG, SMALL, np.zeros((9, 9)))


def test_a_heavy_image_is_made_to_fit_and_that_is_said() -> None:
    """A PNG of noise is more than a request may be: it becomes a JPEG, or a smaller one."""
    for size, word in (((1400, 1000), "made a JPEG"), ((4000, 3000), "shrunk from 4000×3000")):
        with pytest.warns(ImageShrunk, match=word):
            part = to_part(encoded(noise(*size), compress_level=0))
        assert total([part]) <= 4_000_000 - 100_000
        made = pixels(part)
        assert made.format == "JPEG"
        assert abs(made.width / made.height - size[0] / size[1]) < 0.01


def test_too_many_pixels_become_fewer_even_where_the_file_is_small() -> None:
    """33,177,600 is the documented most."""
    with pytest.warns(ImageShrunk, match="shrunk from 9000×4000"):
        made = pixels(to_part(encoded(Image.new("1", (9000, 4000)))))
    assert made.width * made.height <= 33_177_600
    with pytest.warns(ImageShrunk, match="shrunk from 9000×4000"):
        made = pixels(to_part(Image.new("1", (9000, 4000))))
    assert made.width * made.height <= 33_177_600


def test_small_images_keep_their_pixels_beside_large_ones() -> None:
    """The large ones share what the small ones leave; all fit one request together."""
    large = encoded(noise(1500, 1200), compress_level=0)
    with pytest.warns(ImageShrunk):
        parts = to_parts(large, PNG, large)
    assert total(parts) <= 4_000_000 - 100_000
    assert data_of(parts[1]) == PNG
    assert pixels(parts[0]).width > 900


def test_what_is_shrunk_stays_upright_and_white_where_it_was_transparent() -> None:
    """A camera's rotation is applied; JPEG has no transparency."""
    exif = Image.Exif()
    exif[0x0112] = 6
    heavy = encoded(noise(3000, 2400), "JPEG", quality=100, subsampling=0, exif=exif)
    assert len(heavy) > MOST_BYTES
    with pytest.warns(ImageShrunk):
        made = pixels(to_part(heavy))
    assert made.height > made.width
    clear = noise(1200, 1200, "RGBA")
    clear.putalpha(0)
    [picture] = pictures([encoded(clear, compress_level=0)], most_bytes=200_000)
    corner = pixels(picture.part).getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert min(corner) > 250


def test_sixteen_bits_a_pixel_are_scaled() -> None:
    """A middle grey of 65,536 shades stays grey when it has to become a JPEG."""
    rows = np.full((1300, 1300), 32768, np.uint16)
    rows[::2, ::2] += np.random.default_rng(0).integers(0, 2000, (650, 650), dtype=np.uint16)
    [picture] = pictures([encoded(Image.fromarray(rows))], most_bytes=300_000)
    corner = pixels(picture.part).getpixel((1, 1))
    assert isinstance(corner, tuple)
    assert all(110 < value < 145 for value in corner)


def test_an_image_larger_than_pillow_opens_is_said_to_be_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As photos of 200 megapixels are, which are not broken."""
    data = encoded(Image.new("1", (8000, 8000)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    with pytest.raises(ParameterError, match="8,000×8,000 pixels; Pillow opens none so large"):
        to_part(data)


def test_a_figure_is_the_same_image_with_another_version_of_matplotlib() -> None:
    """Records know it by its bytes."""
    import matplotlib.pyplot as plt

    figure, _ = plt.subplots()
    data = base64.b64decode(to_part(figure)["image_url"]["url"].partition(",")[2])
    plt.close(figure)
    assert b"Software" not in data


def test_a_conversation_without_room_is_told_of() -> None:
    """Nothing useful is left of an image in a few bytes."""
    with pytest.raises(ParameterError, match="fill a request already") as caught:
        pictures([encoded(noise(100, 100))], most_bytes=1000)
    assert "new conversation" in (caught.value.hint or "")


def test_facts_say_what_a_part_is_without_its_bytes() -> None:
    """Kind, size in pixels, weight."""
    assert facts(to_part(PNG)) == "PNG, 40×30, 1 kB"
    assert facts(to_part(encoded(noise(1000, 900), "JPEG"))).startswith("JPEG, 1000×900, ")
    assert facts({"type": "image_url"}) == ""
    signed = "https://me:s3cret@example.org/a.png?token=abcdef123456&w=5"
    assert facts(to_part(signed)) == "https://(secret)@example.org/a.png?token=(secret)&w=5"
    assert to_part(signed)["image_url"]["url"] == signed
    assert "unknown" in facts({"image_url": {"url": "data:image/png;base64,####"}})
    assert isinstance(pictures([PNG])[0], Picture)
