"""A small MCP server for tests, on the official package: over standard input, or HTTP on a port."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("counting")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def forget(name: str) -> str:
    """Forgets somebody."""
    return f"forgot {name}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def environment(name: str) -> dict[str, Any]:
    """What an environment variable holds here."""
    return {"name": name, "value": os.environ.get(name)}


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def fail(why: str) -> str:
    """Fails."""
    raise ValueError(why)


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def sleep(seconds: float) -> str:
    """Takes its time."""
    time.sleep(seconds)
    return "awake"


if __name__ == "__main__":
    if "--broken" in sys.argv:
        sys.exit("there is no such option")
    if "--port" in sys.argv:
        server.run("streamable-http", port=int(sys.argv[sys.argv.index("--port") + 1]))
    else:
        server.run("stdio")
