"""A front end as small as it can be: runs cells in a kernel and keeps what the kernel says."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

__all__ = ["Cell", "FrontEnd"]


@dataclass
class Cell:
    """What running one cell came to; `messages` are those of the IOPub channel, in order."""

    reply: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    idle: float = 0.0
    """When the kernel was idle again, on the monotonic clock."""

    def contents(self, *kinds: str) -> list[dict[str, Any]]:
        return [m["content"] for m in self.messages if m["msg_type"] in kinds]

    @property
    def paints(self) -> list[dict[str, Any]]:
        return self.contents("display_data", "update_display_data")

    @property
    def printed(self) -> str:
        return "".join(content["text"] for content in self.contents("stream"))


class FrontEnd:
    """Talks to one kernel."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(
        self,
        code: str,
        on_paint: Callable[[Cell], None] | None = None,
        timeout: float = 30,
        *,
        numbered: bool = False,
    ) -> Cell:
        """Run a cell to its end; `on_paint` is called after each output to a display.

        Only a `numbered` cell is kept in the kernel's history.
        """
        cell, until = Cell(), time.monotonic() + timeout
        request = self.client.execute(code, store_history=numbered, stop_on_error=False)
        while not cell.idle:
            message = self.client.get_iopub_msg(timeout=max(0.01, until - time.monotonic()))
            if message["parent_header"].get("msg_id") != request:
                continue
            cell.messages.append(message)
            if message["msg_type"] == "status":
                if message["content"]["execution_state"] == "idle":
                    cell.idle = time.monotonic()
            elif on_paint and message["msg_type"].endswith("display_data"):
                on_paint(cell)
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == request:
                cell.reply = reply["content"]
                return cell

    def value(self, expression: str) -> Any:
        """The value of an expression made of plain Python data."""
        import ast

        cell = self.run(f"print(repr({expression}))")
        assert cell.reply["status"] == "ok", cell.reply
        return ast.literal_eval(cell.printed)

    def complete(self, code: str) -> tuple[str, list[str]]:
        """The text to be replaced, and the completions, with the cursor at `^`."""
        position = code.index("^")
        self.client.complete(code.replace("^", ""), position)
        while True:
            reply = self.client.get_shell_msg(timeout=30)
            if reply["msg_type"] == "complete_reply":
                content = reply["content"]
                return code[content["cursor_start"] : content["cursor_end"]], content["matches"]

    def drain(self) -> None:
        """Forget what was said meanwhile."""
        while True:
            try:
                self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                return
