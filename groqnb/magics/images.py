"""Images in `%%groq`: `--image` and `--fig`, the model that can see, what is said of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.magics.sources import files, find
from groqnb.magics.words import GrammarError
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.images import Picture
    from groqnb.magics.parser import Ask

__all__ = ["candidates", "check_model", "content", "model_for", "note", "read", "said"]

#: The model that is asked where an image is sent and none is named.
VISION_MODEL = "meta-llama/llama-4-scout-17b-16e-instruct"

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


def read(
    asked: Ask,
    names: Mapping[str, Any],
    value_of: Callable[[str], Any],
    earlier: Sequence[Mapping[str, Any]] = (),
) -> list[Picture]:
    """The images that `asked` names, ready to be sent.

    `value_of` fills in {{ }}; `earlier` are messages that are sent as well, and whose images
    count. Raises GrammarError.
    """
    if not asked.images and not asked.fig:
        return []
    from groqnb.images import MOST_BYTES, pictures

    try:
        sources = [find(value_of(text), names, lambda: candidates(names)) for text in asked.images]
        if asked.fig:
            sources.append(_figure())
        sent = [part["image_url"]["url"] for part in _parts(earlier)]
        used = sum(len(url) for url in sent if url.startswith("data:")) * 3 // 4
        return pictures(sources, taken=len(sent), most_bytes=MOST_BYTES - used)
    except ParameterError as error:
        hint = f" {error.hint}" if error.hint else ""
        option = "--image" if asked.images else "--fig"
        raise GrammarError(f"{option}: {error.message}.{hint}") from None


def _figure() -> Any:
    from groqnb import figures

    found = figures.last()
    if found is None:
        raise ParameterError(
            "no matplotlib figure was shown since groqnb was loaded",
            hint="Draw one in a cell above, or name it: --image fig",
        )
    return found


# --- messages -------------------------------------------------------------------------------------


def content(text: str, found: Sequence[Picture]) -> str | list[dict[str, Any]]:
    """The content of a message: the text, and the images after it."""
    if not found:
        return text
    return [{"type": "text", "text": text}, *(picture.part for picture in found)]


def _parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        body = message.get("content")
        for part in body if isinstance(body, list) else ():
            if part.get("type") == "image_url":
                yield part


def said(message: Mapping[str, Any]) -> str:
    """A message's content for people: its text, and of each image what it is, without its bytes."""
    body = message.get("content")
    if not isinstance(body, list):
        return str(body)
    from groqnb.images import facts

    texts = [
        part["text"] if part.get("type") == "text" else f"[image: {facts(part)}]" for part in body
    ]
    return "\n".join(texts)


def note(found: Sequence[Picture], where: str) -> str:
    """What is said under the answer of the images that were sent; empty without any."""
    if not found:
        return ""
    from groqnb.images import facts, told

    what = "1 image" if len(found) == 1 else f"{len(found)} images"
    each = "; ".join(
        facts(picture.part) + (f", {told(picture)}" if picture.shrunk else "") for picture in found
    )
    how = ", read by OCR" if where == "local" else ""
    return f"sent {what} ({each}){how}"


# --- models ---------------------------------------------------------------------------------------


def model_for(model: str, messages: Sequence[Mapping[str, Any]]) -> str:
    """The model to ask where the user named none: `model`, or one that can see if it must."""
    if next(_parts(messages), None) is None or _sees(model) is not False:
        return model
    return VISION_MODEL


def check_model(model: str, messages: Sequence[Mapping[str, Any]]) -> None:
    """Refuse images to a model that cannot see. Raises GrammarError that names some that can."""
    if next(_parts(messages), None) is not None and _sees(model) is False:
        from groqnb import catalog

        able = [m.id for m in catalog.models() if m.kind == "chat" and m.capabilities.get("vision")]
        raise GrammarError(f"{model} takes no images; these do: {', '.join(able)}")


def _sees(model: str) -> bool | None:
    """None where the catalogue does not know the model."""
    from groqnb import catalog

    known = catalog.find(model)
    return None if known is None else bool(known.capabilities.get("vision"))


# --- completion -----------------------------------------------------------------------------------


def candidates(names: Mapping[str, Any]) -> list[str]:
    """What may follow `--image`: variables that hold images, and image files of this folder."""
    return [*_image_names(names), *files(_ENDINGS)]


def _image_names(names: Mapping[str, Any]) -> list[str]:
    """Told by their types' names alone: nothing is imported or run for it."""
    found = []
    for name, value in names.items():
        kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(value).__mro__}
        known = {"PIL.Image.Image", "matplotlib.figure.Figure", "numpy.ndarray"} & kinds
        picker = inspect.getattr_static(type(value), "to_parts", None) is not None
        if not name.startswith("_") and (known or picker):
            found.append(name)
    return sorted(found)
