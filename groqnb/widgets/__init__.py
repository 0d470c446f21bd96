"""The widgets: a Python class, a ``static/NAME.js`` and a ``static/NAME.css`` for each.

Nothing is imported here: each widget is loaded when it is first used, as ``groqnb.AudioRecorder``
for example. How to write one stands in ``groqnb/widgets/base.py``.
"""

from __future__ import annotations

__all__: list[str] = []
