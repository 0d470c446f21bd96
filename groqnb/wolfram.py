"""The key for Wolfram Alpha, which Compound's tool needs: from the environment only.

A key that is written into a cell is saved with the notebook, so it is never taken from one.
Docs: Wolfram-Alpha Integration.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn

from groqnb.record.scrub import HIDDEN
from groqnb.types.errors import ParameterError

__all__ = ["NAMES", "WolframKey", "wolfram_key", "wolfram_settings"]

#: Where the key is looked for, in this order: Wolfram's word for it, and what others call it.
NAMES = (
    "WOLFRAM_APP_ID",
    "WOLFRAM_ALPHA_APPID",
    "WOLFRAM_ALPHA_API_KEY",
    "WOLFRAM_API_KEY",
)


class WolframKey(str):
    """The key as JSON takes it, which shows itself neither printed nor formatted.

    It is the value that hides and not the dict round it: whoever copies the dict, or makes another
    of its parts, has a plain one.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __copy__(self) -> WolframKey:
        return self

    def __deepcopy__(self, memo: object) -> WolframKey:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Wolfram's key cannot be pickled; let the other process find its own")


def wolfram_key() -> str | None:
    """The key that the environment holds, or None. Keep it out of sight."""
    found = (os.environ.get(name, "").strip() for name in NAMES)
    return next((value for value in found if value), None)


def wolfram_settings() -> dict[str, Any]:
    """What goes into `compound_custom["tools"]["wolfram_settings"]`, its key from the environment.

    Looked for is WOLFRAM_APP_ID, then WOLFRAM_ALPHA_APPID, WOLFRAM_ALPHA_API_KEY, WOLFRAM_API_KEY.
    The dict prints without the key, and so does every copy of it; the key is in the JSON that is
    sent. Raises ParameterError where there is none.

    ```python
    client.chat.completions.create(
        model="groq/compound",
        messages=[{"role": "user", "content": "1293392 * 29393?"}],
        compound_custom={
            "tools": {
                "enabled_tools": ["wolfram_alpha"],
                "wolfram_settings": groqnb.wolfram_settings(),
            }
        },
        extra_headers={"Groq-Model-Version": "latest"},
    )
    ```

    Docs: Wolfram-Alpha Integration.
    """
    key = wolfram_key()
    if key is None:
        raise ParameterError(
            "There is no key for Wolfram Alpha.",
            hint=f"Set {NAMES[0]} in the environment before the notebook starts.",
        )
    return {"authorization": WolframKey(key)}
