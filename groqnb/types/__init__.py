"""What is sent and what comes back: requests' parameters, replies, errors.

Each family of the API has its own module (`groqnb.types.chat`, `groqnb.types.models`), and the
errors have theirs (`groqnb.types.errors`). Nothing is imported here, so that a module which needs
only the errors does not pay for pydantic.
"""

from __future__ import annotations

__all__: list[str] = []
