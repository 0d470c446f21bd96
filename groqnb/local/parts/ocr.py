"""Text in images: PP-OCR's small models, run by the package rapidocr.

The models come with the package; nothing is downloaded. Loaded at the first image, which takes
about a second; then half a second for a page on two cores. Latin and Chinese script, print far
better than handwriting.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Ocr", "missing_package"]

_LONGEST_SIDE = 2000
_THREADS = 2


def missing_package() -> str | None:
    """The package of the extra "vision" that is not installed, None when all of them are."""
    return next((n for n in ("PIL", "rapidocr", "onnxruntime") if find_spec(n) is None), None)


@dataclass(frozen=True)
class _Piece:
    """A piece of text and where it stands, in pixels."""

    text: str
    left: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


class Ocr:
    """Reads images; loads its models when it reads the first."""

    def __init__(self) -> None:
        self._models: Any = None
        self._lock = threading.Lock()

    def read(self, image: Image) -> list[str]:
        """The lines of text in an RGB image, from top to bottom."""
        import numpy as np

        if max(image.size) > _LONGEST_SIDE:
            image = image.copy()
            image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        with self._lock:
            if self._models is None:
                self._models = self._load()
            found = self._models(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]))
        if not found.txts:
            return []
        return _lines(
            _Piece(
                text,
                float(box[:, 0].min()),
                float(box[:, 1].min()),
                float(box[:, 1].max()),
            )
            for text, box in zip(found.txts, found.boxes, strict=True)
        )

    def _load(self) -> Any:
        from rapidocr import RapidOCR

        return RapidOCR(
            params={
                "Global.log_level": "error",
                "EngineConfig.onnxruntime.intra_op_num_threads": _THREADS,
            }
        )


def _lines(pieces: Any) -> list[str]:
    """Pieces side by side make one line: a table's row, a label and its value."""
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        last = rows[-1][0] if rows else None
        if last is not None and piece.middle < last.bottom - 0.25 * (last.bottom - last.top):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return ["  ".join(p.text for p in sorted(row, key=lambda p: p.left)) for row in rows]
