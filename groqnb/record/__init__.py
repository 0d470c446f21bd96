"""Record and replay: what was asked and answered is kept in a file, and answers from there.

`groqnb.replay` switches it on; the senders of `groqnb.wire` go through it while it is on.
"""

from __future__ import annotations

__all__: list[str] = []
