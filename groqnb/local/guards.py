"""Guard models in chat requests. Docs: "Content Moderation"; "Llama Prompt Guard 2".

The prompt guards are answered by a classifier of the engine's own (parts.prompt_guard), with a
score as they give it. There are no weights of a policy model such as Llama Guard on the package
registry: it is refused when the request is read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from groqnb.local.chat_events import ChatEvent, Done, TextDelta
from groqnb.local.chat_request import ChatRequest
from groqnb.local.errors import EngineError
from groqnb.local.parts.completion import Prompt
from groqnb.local.parts.prompt_guard import NAME, PromptGuard
from groqnb.local.refusal import Refusal, bad_request

__all__ = ["NAME", "classifies", "classify", "measure"]

T = TypeVar("T")


def classifies(request: ChatRequest) -> bool:
    """Whether a prompt guard is asked."""
    return request.info is not None and request.info.kind == "classifier"


async def measure(request: ChatRequest, guard: PromptGuard) -> Prompt:
    """The text to classify and its length. Raises Refusal: 400 when it is too long, 503."""
    text = _text(request)
    tokens = await _in_thread(guard.count, text)
    assert request.info is not None
    most = request.info.context_window or tokens
    if tokens > most:
        raise bad_request(
            f"The text has {tokens} tokens; `{request.info.id}` reads {most}. "
            "Send it in parts, in parallel.",
            "messages",
            "context_length_exceeded",
        )
    return Prompt(text, tokens)


async def classify(prompt: Prompt, guard: PromptGuard) -> AsyncGenerator[ChatEvent, None]:
    """The events of the answer: the score, then Done."""
    began = time.perf_counter()
    score = await _in_thread(guard.score, prompt.text)
    seconds = round(time.perf_counter() - began, 9)
    yield TextDelta(f"{score:.10f}".rstrip("0"))
    usage = {
        "queue_time": 0.0,
        "prompt_tokens": prompt.tokens,
        "prompt_time": seconds,
        "completion_tokens": 1,
        "completion_time": 0.0,
        "total_tokens": prompt.tokens + 1,
        "total_time": seconds,
    }
    yield Done("stop", usage)


async def _in_thread(work: Callable[[str], T], text: str) -> T:
    try:
        return await asyncio.get_running_loop().run_in_executor(None, work, text)
    except EngineError as error:
        raise Refusal(
            503,
            f"The local classifier is not ready: {error}",
            type="service_unavailable_error",
            code="model_not_loaded",
        ) from None


def _text(request: ChatRequest) -> str:
    """The last thing said, whoever said it: that is what is to be judged."""
    if request.prefill:
        return request.prefill
    return request.turns[-1].content if request.turns else ""
