"""The language model: a GGUF file run by llama.cpp, by way of the package xllamacpp.

Prompts are made by the template that the model brings, and completed token by token. The
runtime holds the interpreter's lock while it loads a model, so nothing else happens meanwhile;
connections wait in the system's queue. It also opens an HTTP server of its own, the only way to
its template and tokenizer: on loopback, under a key that never leaves this process.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from groqnb.local.built_in_tools import BuiltInTools
from groqnb.local.chat_messages import Turn
from groqnb.local.images import Eyes
from groqnb.local.parts import waiting
from groqnb.local.parts.completion import (
    Completion,
    Done,
    Prompt,
    done,
    runtime_refusal,
    runtime_request,
)
from groqnb.local.parts.handover import Handover
from groqnb.local.parts.prompt_guard import PromptGuard
from groqnb.local.parts.router import Router
from groqnb.local.parts.seats import Seats
from groqnb.local.refusal import Refusal, bad_request

__all__ = ["Completion", "Done", "Llm", "Prompt"]

_SLOTS = 4
# Small batches let a request that is given up stop in the middle of a long prompt.
_BATCH = 256
# Without a bound a small model may babble until its context is full, minutes later.
_MOST_TOKENS_UNASKED = 2048


class Llm:
    """One loaded model. `name` is shown in replies, `context` is its window in tokens."""

    def __init__(self, path: Path, name: str, context: int) -> None:
        self.name = name
        self.context = context
        self._path = path
        self._key = secrets.token_hex(16)
        self._loaded: Future[Any] = Future()
        self._spinning: int | None = None
        self._threads = ThreadPoolExecutor(_SLOTS, "generate")
        # Of its own: the common threads may all wait for weights that are fetched, for minutes.
        self._asking = ThreadPoolExecutor(_SLOTS, "prompt")
        self._seats = Seats(_SLOTS, context)
        #: Chooses among tools for the model, which cannot do it well itself.
        self.router = Router()
        self.guard = PromptGuard()
        #: Puts images into words for the model, which cannot see.
        self.eyes = Eyes()
        #: Tools that the engine runs for the model.
        self.built_in = BuiltInTools()

    def load(self) -> None:
        """Load the model, in this thread. A failure is kept for the requests that wait."""
        try:
            self._spinning = waiting.choose()
            import xllamacpp

            self._loaded.set_result(xllamacpp.Server(self._settings(xllamacpp)))
        except Exception as error:  # noqa: BLE001 — whatever it is, requests must hear of it
            self._loaded.set_exception(error)

    def failure(self) -> str | None:
        """Why the model could not be loaded; None while it loads and when it is there."""
        if not self._loaded.done():
            return None
        error = self._loaded.exception()
        return None if error is None else f"The model {self.name} could not be loaded: {error}"

    def _settings(self, xllamacpp: Any) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = self.context
        # One pool of context for all slots: a single request may use the whole of it.
        params.n_parallel = _SLOTS
        params.kv_unified = True
        params.n_batch = _BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = waiting.thread_count()
        params.use_jinja = True
        params.warmup = False
        # Measuring what fits into memory costs a second load.
        params.fit_params = False
        params.cache_ram_mib = 0
        params.verbosity = 1
        params.ui = False
        params.endpoint_slots = False
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.api_keys = [self._key]
        params.cors_origins = ""
        params.n_threads_http = 2
        return params

    async def ready(self) -> Any:
        """The loaded model; waits for it. Raises a 503 when it could not be loaded."""
        if not self._loaded.done():
            await asyncio.wait([asyncio.wrap_future(_follow(self._loaded))])
        reason = self.failure()
        if reason is not None:
            raise Refusal(503, reason, type="service_unavailable_error", code="model_not_loaded")
        return self._loaded.result()

    async def prompt(self, turns: Sequence[Turn], prefill: str = "") -> Prompt:
        """`turns` through the model's template, with the answer's beginning after them.

        Raises a 400 when it fills the context window, so that no token fits behind it.
        """
        came = time.perf_counter()
        server = await self.ready()
        waited = time.perf_counter() - came
        made = await asyncio.get_running_loop().run_in_executor(
            self._asking, self._prompt, server.listening_address, list(turns), prefill
        )
        return replace(made, waited=waited)

    def _prompt(self, address: str, turns: list[Turn], prefill: str) -> Prompt:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        text = self._ask(address, "/apply-template", {"messages": messages})["prompt"] + prefill
        found = self._ask(
            address, "/tokenize", {"content": text, "add_special": True, "parse_special": True}
        )
        count = len(found["tokens"])
        if count >= self.context:
            raise bad_request(
                f"The messages have {count} tokens; the context window of the local model "
                f"{self.name} is {self.context} tokens, prompt and completion together.",
                "messages",
                "context_length_exceeded",
            )
        return Prompt(text, count)

    def _ask(self, address: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        try:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            reply = connection.getresponse()
            answer: dict[str, Any] = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            # The template of the model refuses the messages (their order, for one).
            said = str(answer.get("error", {}).get("message", "")).strip()
            raise bad_request(
                f"The template of the local model {self.name} does not take these messages: {said}",
                "messages",
            )
        return answer

    @property
    def unasked_tokens(self) -> int:
        """How many tokens an answer may have that sets no bound itself."""
        # It leaves the other slots their share of the context.
        return max(256, min(_MOST_TOKENS_UNASKED, self.context // _SLOTS - 256))

    def _most_tokens(self, prompt: Prompt, asked: int | None) -> int:
        return min(asked or self.unasked_tokens, self.context - prompt.tokens)

    def has_place(self, prompt: Prompt, max_tokens: int | None) -> bool:
        """Whether an answer could begin now, without waiting for another to end."""
        return self._seats.has_place(prompt.tokens + self._most_tokens(prompt, max_tokens))

    async def complete(self, prompt: Prompt, how: Completion) -> AsyncGenerator[str | Done, None]:
        """Pieces of text as they are made, then one Done. Ends early when it is closed.

        Raises Refusal when the runtime refuses.
        """
        server = await self.ready()
        tokens = self._most_tokens(prompt, how.max_tokens)
        came = time.perf_counter()
        async with self._seats.take(prompt.tokens + tokens):
            waited = prompt.waited + time.perf_counter() - came
            body = json.dumps(runtime_request(prompt, how, tokens)).encode()
            async with aclosing(self._run(server, body)) as events:
                async for event in events:
                    if "error" in event:
                        raise runtime_refusal(event["error"])
                    if not event.get("choices") or "prompt_progress" in event:
                        continue
                    choice = event["choices"][0]
                    if choice["text"]:
                        yield choice["text"]
                    if choice["finish_reason"] is not None:
                        yield done(event, choice["finish_reason"], waited)

    async def _run(self, server: Any, body: bytes) -> AsyncGenerator[dict[str, Any], None]:
        """The runtime's events. It runs in a thread that stops soon after this is closed."""
        events = Handover()
        given_up = threading.Event()

        def on_event(event: bytes) -> bool:
            events.put(event)
            return given_up.is_set()

        def work() -> None:
            end: BaseException | None = None
            try:
                server.handle_completions(body, on_event)
            except Exception as error:  # noqa: BLE001 — handed over to the request
                end = error
            events.put(end)

        self._threads.submit(work)
        try:
            async for several in events:
                for event in several:
                    if event is None:
                        return
                    if isinstance(event, BaseException):
                        raise event
                    yield json.loads(event)
        finally:
            given_up.set()


def _follow(source: Future[Any]) -> Future[None]:
    """A future that ends with `source`; giving it up does not give `source` up."""
    follower: Future[None] = Future()
    source.add_done_callback(lambda _: follower.set_result(None))
    return follower
