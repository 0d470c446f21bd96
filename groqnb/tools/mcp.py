"""Tools of MCP servers that this machine reaches, by the official `mcp` package.

Remote servers, which Groq's cloud calls by itself, need nothing of this: they are sent as a dict,
`{"type": "mcp", "server_url": …, "server_label": …}`. Docs: "Tool Use", tools of the type mcp.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

from groqnb.api.resource import check_headers
from groqnb.record.scrub import Scrubber
from groqnb.tools.tool import ArgumentError, Tool
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["McpServer"]

_MOST_OF_LOG = 2000


class McpServer:
    """A running MCP server, and its tools for `run_tools` and `%%groq --tools`.

    `target` is a command as a list, which is started and ended here, or the address of a server
    that runs. `headers` go to the latter and are shown nowhere; `env` goes to the former.
    `timeout` is for the start and for each call, in seconds; `confirm` True has every call
    confirmed, None those that the server does not call read-only.

    Raises ParameterError for a wrong target, wrong headers or a missing package, GroqnbError when
    the server does not start.

    ```python
    with groqnb.McpServer(["python", "my_server.py"]) as server:
        run = groqnb.run_tools(messages="What is 2 + 3?", tools=server.tools)
    ```
    """

    def __init__(
        self,
        target: str | Sequence[str],
        *,
        headers: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        confirm: bool | None = None,
    ) -> None:
        self._target = _checked(target, headers, env)
        self._headers, self._env = headers, env
        self._timeout = timeout
        self._confirm = confirm
        self._ready: concurrent.futures.Future[list[Any]] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._end = threading.Event()
        self._client: Any = None
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - see __del__
        self._thread = threading.Thread(
            target=self._run, name="groqnb-mcp", args=(_package(),), daemon=True
        )
        self._thread.start()
        try:
            found = self._ready.result(timeout)
        except BaseException as error:
            self.close()
            if isinstance(error, KeyboardInterrupt):
                raise
            raise self._failure(error) from None
        self.tools: list[Tool] = [_McpTool(self, each, timeout, confirm) for each in found]

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """What a tool of the server gives: text, or data. Raises GroqnbError for its errors.

        ```python
        server.call("add", {"a": 2, "b": 3})  # 5
        ```
        """
        if self._loop is None or self._end.is_set() or self._loop.is_closed():
            raise GroqnbError("The MCP server is closed.", hint="Start it again: McpServer(...).")
        made = asyncio.run_coroutine_threadsafe(
            self._client.call_tool(name, dict(arguments)), self._loop
        )
        try:
            result = made.result(self._timeout)
        except concurrent.futures.TimeoutError:
            made.cancel()
            raise GroqnbError(f"The tool {name} took longer than {self._timeout:g} s.") from None
        except Exception as error:  # noqa: BLE001 - whatever the package raises
            raise GroqnbError(f"The MCP server failed: {_innermost(error)}") from None
        return _value(result)

    def close(self) -> None:
        """End the server that was started here, or the connection to one that runs."""
        self._end.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with suppress(RuntimeError):  # it ended in the meantime
                loop.call_soon_threadsafe(task.cancel)
            self._thread.join(self._timeout)

    def __del__(self) -> None:
        log = getattr(self, "_log", None)
        if log is not None:
            log.close()

    def __enter__(self) -> McpServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(tool.name for tool in getattr(self, "tools", []))
        return f"<McpServer with {names or 'no tools'}>"

    def _run(self, mcp: Any) -> None:
        try:
            asyncio.run(self._serve(mcp))
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            if not self._ready.done():
                self._ready.set_exception(_innermost(error))

    async def _serve(self, mcp: Any) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._end.is_set():  # nobody waited so long
            return
        async with AsyncExitStack() as stack:
            self._client = await stack.enter_async_context(mcp.Client(self._transport(mcp)))
            listed, cursor = [], None
            while True:
                page = await self._client.list_tools(cursor=cursor)
                listed += page.tools
                cursor = page.next_cursor
                if not cursor:
                    break
            self._ready.set_result(listed)
            with suppress(asyncio.CancelledError):  # that is how it ends
                await asyncio.Event().wait()

    def _transport(self, mcp: Any) -> Any:
        if isinstance(self._target, str):
            if not self._headers:
                return self._target
            from mcp.client import streamable_http

            http: Any = streamable_http
            client = http.create_mcp_http_client(headers=dict(self._headers))
            return http.streamable_http_client(self._target, http_client=client)
        command, *rest = self._target
        # It gets what a program needs to run and `env`: a key of ours is not its business.
        env = None if self._env is None else dict(self._env)
        parameters = mcp.StdioServerParameters(command=command, args=rest, env=env)
        # A notebook's standard error is no file, which a process needs.
        return mcp.stdio_client(parameters, errlog=self._log)

    def _failure(self, error: BaseException) -> GroqnbError:
        what = "The MCP server did not start"
        if isinstance(error, concurrent.futures.TimeoutError):
            said = f"nothing came in {self._timeout:g} s"
        else:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
        self._log.seek(0)
        log = self._log.read()[-_MOST_OF_LOG:].strip().splitlines()
        last = f" It wrote: {log[-1]}" if log else ""
        known = [*(self._headers or {}).values(), *(self._env or {}).values()]
        return GroqnbError(Scrubber(known).text(f"{what}: {said}.{last}"))


class _McpTool(Tool):
    """A tool of an MCP server; its schema is the server's, and so is the check of arguments."""

    def __init__(self, server: McpServer, told: Any, timeout: float, confirm: bool | None) -> None:
        def function(**arguments: Any) -> Any:
            return server.call(told.name, arguments)

        self.name = told.name
        self.function = function
        self.timeout = timeout + 5
        reads = bool(told.annotations is not None and told.annotations.read_only_hint)
        self.effects = not reads if confirm is None else confirm
        self.changes = ()
        described = {"name": told.name, "description": told.description or told.name}
        parameters = told.input_schema or {"type": "object", "properties": {}}
        dict.__init__(self, type="function", function={**described, "parameters": parameters})

    def arguments(self, text: str) -> dict[str, Any]:
        """The arguments as the model gave them. Raises ArgumentError for what is no object."""
        try:
            given = json.loads(text or "{}")
        except (ValueError, RecursionError) as error:
            raise ArgumentError(f"The arguments are not JSON: {error}.") from None
        if not isinstance(given, dict):
            raise ArgumentError("The arguments must be a JSON object.")
        return given


def _value(result: Any) -> Any:
    texts = [part.text for part in result.content or () if getattr(part, "type", "") == "text"]
    others = [part.type for part in result.content or () if getattr(part, "type", "") != "text"]
    text = "\n".join([*texts, *(f"({kind})" for kind in others)])
    if result.is_error:
        raise GroqnbError(text or "The tool failed.")
    structured = result.structured_content
    if isinstance(structured, dict):
        return structured["result"] if set(structured) == {"result"} else structured
    return text


def _checked(
    target: str | Sequence[str],
    headers: Mapping[str, str] | None,
    env: Mapping[str, str] | None,
) -> str | list[str]:
    if isinstance(target, str):
        if not target.startswith(("http://", "https://")):
            raise ParameterError(
                f"{target!r} is no http(s) address.",
                hint="A command is a list: McpServer(['python', 'server.py']).",
            )
        if env is not None:
            raise ParameterError("env goes to a command, not to an address.")
        check_headers(headers or {})
        return target
    command = [os.fspath(part) for part in target]
    if not command:
        raise ParameterError("The command is empty.")
    if headers is not None:
        raise ParameterError("headers go to an address, not to a command.")
    return command


def _package() -> Any:
    try:
        import mcp
    except ImportError:
        raise ParameterError(
            "MCP servers need the package mcp.", hint="pip install 'groqnb[mcp]'"
        ) from None
    return mcp


def _innermost(error: BaseException) -> BaseException:
    """What went wrong within the groups that task groups make of it."""
    inner = getattr(error, "exceptions", None)
    while inner:
        error = inner[0]
        inner = getattr(error, "exceptions", None)
    return error
