"""How a magic fails for what a call raised: two lines, no traceback."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from groqnb.render.failures import short_message
from groqnb.session import session
from groqnb.types.errors import APIStatusError, GroqnbError

if TYPE_CHECKING:
    from groqnb.target import Target

__all__ = ["current_target", "fail", "name_models"]


def fail(error: GroqnbError) -> NoReturn:
    """Raise `error` so that the cell fails and shows two lines, no traceback."""
    lines = [short_message(error)]
    if error.hint:
        lines.append(error.hint)
    # IPython asks an exception for this before it formats a traceback of its own.
    error.__dict__["_render_traceback_"] = partial(list, lines)
    raise error.with_traceback(None) from None


def current_target() -> Target:
    """Where calls go now; a cell fails shortly where that cannot be said."""
    try:
        return session.target
    except GroqnbError as error:
        fail(error)


def name_models(error: GroqnbError, model: str) -> None:
    """Where the model is not known, name those of the live list that look like it."""
    if not isinstance(error, APIStatusError):
        return
    if error.code != "model_not_found" and not (
        error.status_code == 404 and error.param == "model"
    ):
        return
    from groqnb import catalog

    with suppress(GroqnbError):
        session.fetch_models()
    found = catalog.near(model, session.known_models())
    unnamed = [name for name in found if name not in error.message]
    meant = f"Did you mean {' or '.join(found)}? " if unnamed else ""
    error.hint = f"{meant}`%groq models` lists what there is."
