"""What the extra "audio" brings, imported where it is used."""

from __future__ import annotations

from typing import Any

from groqnb.types.errors import GroqnbError

__all__ = ["MissingExtra", "load_av", "load_numpy"]

INSTALL = 'pip install "groqnb[audio]"'


class MissingExtra(GroqnbError, ImportError):
    """A package of the extra "audio" is missing."""


def load_av() -> Any:
    """PyAV. Raises MissingExtra."""
    try:
        import av
        import av.error
    except ImportError as error:
        raise _missing("Reading and writing audio needs PyAV", error) from None
    return av


def load_numpy() -> Any:
    """numpy. Raises MissingExtra."""
    try:
        import numpy
    except ImportError as error:
        raise _missing("Working on audio needs numpy", error) from None
    return numpy


def _missing(what: str, error: ImportError) -> MissingExtra:
    return MissingExtra(f"{what}, which is not installed here.", hint=f"Install it: {INSTALL}")
