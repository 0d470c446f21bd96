"""What of a widget is saved with the notebook, under a name by which its page finds it.

A page that was loaded anew gets no more updates of what it shows under a cell: Jupyter forgets
which display is which. The widget itself goes on, so it looks whether its result stands there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from groqnb.render.html import Child, el, join, page
from groqnb.render.message import Bundle
from groqnb.render.plain import clean

__all__ = ["saved"]


def saved(parts: Sequence[Child], plain: str) -> tuple[Bundle, str]:
    """The bundle of a result, and its name: a class, the same for the same result; "" for none.

    ```python
    >>> saved(["3 pictures"], "3 pictures")[1]
    'gn-saved-5e34470d86ca'

    ```
    """
    if not parts:
        return {"text/plain": clean(plain), "text/html": ""}, ""
    digest = hashlib.sha256(join(parts).encode(errors="replace")).hexdigest()
    name = f"gn-saved-{digest[:12]}"
    shown = page(el("div", *parts, class_=f"gn-saved {name}"))
    return {"text/plain": clean(plain), "text/html": shown}, name
