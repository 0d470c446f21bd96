"""Images for a question, picked in the notebook."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from traitlets import Bool, Dict, Int, List

from groqnb import catalog
from groqnb.image_encoding import Encoded
from groqnb.images import MOST_BYTES, encoded, pictures
from groqnb.local.image_header import header
from groqnb.render.html import Child
from groqnb.types.errors import ParameterError
from groqnb.widgets.base import Widget
from groqnb.widgets.messages import plain_error
from groqnb.widgets.picked import Picked, fetched, fit, name_of, thumb_from, told

__all__ = ["ImageComing", "ImagePicker"]

_SOURCES = frozenset({"upload", "paste", "drop", "camera", "url"})


class ImageComing(UserWarning):
    """What was picked is not complete yet."""


class ImagePicker(Widget, static="image_picker"):
    """Pick images in the notebook: upload, paste, drop, camera, web address; in order.

    Each is shrunk in the browser until all of them fit one request, and the widget shows pixels,
    bytes, and how they stand against the limits. `images` is put in at once: a path, an address,
    bytes, a Pillow image, a matplotlib figure, a numpy array, or a list of these. `most` is how
    many are taken, 1 to 5; with `keep_originals=True` what was shrunk is kept as it was, too.

    `value` is a list of bytes, `to_parts()` the parts of a message; or `%%groq --image pick`.
    Raises ParameterError for what is no image, and for unknown keywords.

    ```python
    pick = groqnb.ImagePicker(images=["receipt.png"])
    client.chat.completions.create(
        model="meta-llama/llama-4-scout-17b-16e-instruct",
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "How much?"}, *pick.to_parts()]}
        ],
    )
    ```
    """

    asks: ClassVar[frozenset[str]] = frozenset({"fetch", "fetched", "order", "remove", "undo"})
    shows_result: ClassVar[bool] = True
    most_bytes: ClassVar[int] = 250_000_000

    most = Int(catalog.limit("images")).tag(sync=True, option=True)
    keep_originals = Bool(False).tag(sync=True, option=True)
    items: List[dict[str, Any]] = List().tag(sync=True)
    limits = Dict().tag(sync=True)
    coming = Int(0).tag(sync=True)  # images that the page is working on

    def __init__(self, images: Any = (), **options: Any) -> None:
        allowed = catalog.limit("images")
        most = options.get("most", allowed)
        if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= allowed:
            raise ParameterError(
                f"most is {most!r}; a request holds 1 to {allowed} images.",
                hint="Use one picker for each request.",
            )
        self._picked: list[Picked] = []
        self._removed: tuple[int, Picked] | None = None
        self._fitted: tuple[Any, ...] = ()
        self._originals: dict[str, bytes] = {}
        limits = {"bytes": MOST_BYTES, "pixels": catalog.limit("image_pixels")}
        super().__init__(**options)
        self._set(limits=limits)
        if not (isinstance(images, (list, tuple)) and not images):
            self.add(images)

    # -- what was picked

    @property
    def value(self) -> list[bytes]:
        """The images in order, each the bytes of a PNG, JPEG, WebP or GIF file."""
        with self._lock:
            return [each.data for each in self._picked]

    @property
    def originals(self) -> list[bytes | None]:
        """The images as they came; None for one that was shrunk and not kept."""
        with self._lock:
            return [
                each.data if each.before is None else each.original if self._keeps(each) else None
                for each in self._picked
            ]

    @property
    def names(self) -> list[str]:
        """The names of the files, in order."""
        with self._lock:
            return [each.name for each in self._picked]

    def to_parts(self) -> list[dict[str, Any]]:
        """The images as parts of a message's content, for `chat.completions.create`.

        All of them fit one request. An empty list where nothing was picked. Warns (ImageComing)
        of images that the browser is still working on: those are not among them.
        """
        if self.coming > 0:
            what = "an image is" if self.coming == 1 else f"{self.coming} images are"
            warnings.warn(
                f"{what} still on the way from the browser and not sent; run the cell again",
                ImageComing,
                stacklevel=2,
            )
        return [each.part for each in pictures(self.value)]

    # -- from Python

    def add(self, *images: Any) -> None:
        """Add images after those that are there, all of them or none.

        Takes what `images=` of the constructor takes; addresses are fetched, which may take some
        seconds. Raises ParameterError.
        """
        new = self._opened(list(_flat(images)))
        with self._lock:
            self._change([*self._picked, *new])

    def remove(self, index: int) -> None:
        """Take an image away by its place, from 0. Raises IndexError."""
        with self._lock:
            left = list(self._picked)
            self._removed = (index % len(left) if left else 0, left.pop(index))
            self._change(left)

    def move(self, index: int, to: int) -> None:
        """Put the image at `index` to the place `to`. Raises IndexError."""
        with self._lock:
            moved = list(self._picked)
            each = moved.pop(index)
            moved.insert(to if to >= 0 else len(moved) + 1 + to, each)
            self._change(moved)

    def clear(self) -> None:
        """Take all images away."""
        with self._lock:
            self._change([])

    def _opened(self, sources: Sequence[Any]) -> list[Picked]:
        found: list[Picked] = []
        for source in sources:
            for each in encoded(source):
                image = each if isinstance(each, Encoded) else Encoded.of(fetched(each), each[:200])
                known = header(image.data)
                assert known is not None
                name = name_of(source, len(self._picked) + len(found) + 1)
                # It is its own original, to be shrunk now or beside further images.
                new = Picked(secrets.token_hex(8), name, image.data, known, "python")
                found.append(replace(new, original=image.data))
        return found

    def _keeps(self, each: Picked) -> bool:
        return self.keep_originals or each.source == "python"

    def _change(self, images: Sequence[Picked]) -> None:
        """These are the images now; the lock is held. Raises ParameterError and changes nothing."""
        if len(images) > self.most:
            taken = "1 image is" if self.most == 1 else f"{self.most} images are"
            raise ParameterError(
                f"At most {taken} taken; these would be {len(images)}.",
                hint="Take some away first, or use another picker.",
            )
        own = [each for each in images if each.source == "python"]
        others = sum(len(each.data) for each in images if each.source != "python")
        key = (others, frozenset(each.id for each in own))
        if key != self._fitted:  # another order needs no shrinking
            fitted = {each.id: each for each in fit(own, others)}
            images = [fitted.get(each.id, each) for each in images]
        self._picked, self._fitted = list(images), key
        self._set(items=[each.state for each in self._picked])
        self._show_result()

    # -- from the page

    def _received(self, name: str, data: bytes, meta: Mapping[str, Any]) -> Any:
        key = str(meta["id"])
        if name == "original":
            if not self.keep_originals:
                raise ParameterError("Originals are not kept here.")
            with self._lock:
                self._originals[key] = data
            return None
        if name != "image":
            return super()._received(name, data, meta)
        found = header(data)
        if found is None:
            raise ParameterError(f"{meta.get('name')} is not an image.")
        source = str(meta.get("source"))
        new = Picked(
            key,
            str(meta.get("name"))[:120],
            data,
            found,
            source if source in _SOURCES else "upload",
            before=_before(meta.get("before")),
            thumb=thumb_from(meta.get("thumb")),
        )
        with self._lock:
            self._take(new)
        return len(self._picked)

    def _take(self, new: Picked) -> None:
        place = next((i for i, each in enumerate(self._picked) if each.id == new.id), None)
        original = self._originals.pop(new.id, None)
        if place is None:
            self._change([*self._picked, replace(new, original=original)])
            return
        old = self._picked[place]
        changed = replace(new, original=original or old.original, thumb=new.thumb or old.thumb)
        self._change([*self._picked[:place], changed, *self._picked[place + 1 :]])

    def _ask_remove(self, content: Mapping[str, Any]) -> bool:
        with self._lock:
            for index, each in enumerate(self._picked):
                if each.id == content.get("id"):
                    self.remove(index)
                    return True
        return False

    def _ask_undo(self, content: Mapping[str, Any]) -> bool:
        with self._lock:
            if self._removed is None:
                return False
            (index, each), self._removed = self._removed, None
            self._change([*self._picked[:index], each, *self._picked[index:]])
        return True

    def _ask_order(self, content: Mapping[str, Any]) -> bool:
        place = {str(key): index for index, key in enumerate(content.get("ids") or ())}
        with self._lock:
            # Sorting keeps the order of those that are not named, at the end.
            self._change(sorted(self._picked, key=lambda each: place.get(each.id, len(place))))
        return True

    def _ask_fetch(self, content: Mapping[str, Any]) -> None:
        url, name = str(content["url"]).strip(), str(content["name"])

        def fetch() -> None:
            try:
                data, problem = fetched(url), ""
            except Exception as error:  # noqa: BLE001 - told where the image was to be
                data, problem = b"", plain_error(error)
            self._offer(name, data, "application/octet-stream", problem=problem)

        self._in_background(fetch)

    def _ask_fetched(self, content: Mapping[str, Any]) -> None:
        name = str(content["name"])
        if name.startswith("fetched-"):
            self._offer(name, None)

    # -- what is said

    def _result(self) -> tuple[Sequence[Child], str]:
        with self._lock:
            return told(self._picked)

    def _summary(self) -> str:
        with self._lock:
            return ", ".join(f"{each.name}: {each.header}" for each in self._picked)


def _flat(images: Any) -> Iterator[Any]:
    for each in images:
        if isinstance(each, (list, tuple)):
            yield from _flat(each)
        else:
            yield each


def _before(given: Any) -> Mapping[str, Any] | None:
    if not isinstance(given, Mapping):
        return None
    numbers = {name: int(given.get(name) or 0) for name in ("width", "height", "size")}
    return {"kind": str(given.get("kind", ""))[:8], **numbers}
