"""What the local engine needs to hear and to speak, fetched with a bar before it is first asked.

The engine would fetch it by itself, but nobody in a notebook would see how much that is.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any, Literal

from groqnb.types.errors import LocalEngineError
from groqnb.wire import tap

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.local.process import Progress

__all__ = ["fetch_for"]

# Without these the engine says what is missing, and files would be of no use.
_PACKAGES = {"hearing": "faster_whisper", "speaking": "onnxruntime"}


def fetch_for(client: Groq, group: Literal["hearing", "speaking"]) -> None:
    """Fetch the weights of `group` if `client` asks the local engine and they are not here yet.

    The size is said, and a bar shows how far it is. Raises LocalEngineError.
    """
    if client.target.kind != "local" or importlib.util.find_spec(_PACKAGES[group]) is None:
        return
    if tap.current is not None:
        return  # a record may answer, and needs no engine
    from groqnb.local import weights
    from groqnb.local.errors import EngineError

    try:
        missing = [file for file in weights.group(group) if not weights.present(file)]
        if missing:
            with _Bar(group, sum(file.size for file in missing)) as bar:
                for file in missing:
                    # It may have come along with another.
                    if not weights.present(file):
                        weights.ensure(file.key, progress=bar.tell)
                    bar.ended(file.size)
    except EngineError as error:
        raise LocalEngineError(str(error), hint=error.hint or None) from None


class _Bar:
    def __init__(self, group: str, total: int) -> None:
        with warnings.catch_warnings():
            # Without ipywidgets it is a bar of characters, which is a bar as well.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
        what = f"fetching what the local engine needs for {group}, once"
        self._bar: Any = tqdm(desc=what, total=total, unit="B", unit_scale=True, leave=False)
        self._ended = 0

    def tell(self, now: Progress) -> None:
        """So much of one file is there."""
        self._bar.update(max(0, self._ended + now.done - self._bar.n))

    def ended(self, size: int) -> None:
        """One file is whole."""
        self._ended += size
        self._bar.update(max(0, self._ended - self._bar.n))

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
