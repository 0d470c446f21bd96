"""The least that serves a model over HTTP: the peer of bench_engine_start. Run as a program.

No key, no checks, no limits; the model loads at the first request, with the runtime's defaults.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvicorn
import xllamacpp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

PATH, PORT = sys.argv[1], int(sys.argv[2])
servers: list[xllamacpp.Server] = []


def load() -> xllamacpp.Server:
    params = xllamacpp.CommonParams()
    params.model.path = PATH
    params.n_ctx = 16384
    params.n_parallel = 4
    params.warmup = False
    params.verbosity = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    return xllamacpp.Server(params)


async def chat(request: Request) -> StreamingResponse:
    body = await request.json()
    loop = asyncio.get_running_loop()
    if not servers:
        servers.append(await loop.run_in_executor(None, load))
    queue: asyncio.Queue[dict[str, object] | None] = asyncio.Queue()

    def on_chunk(chunk: dict[str, object]) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, chunk)

    done = loop.run_in_executor(None, servers[0].handle_chat_completions, body, on_chunk)
    done.add_done_callback(lambda _: queue.put_nowait(None))

    async def events():  # type: ignore[no-untyped-def]
        while (chunk := await queue.get()) is not None:
            yield f"data: {json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


app = Starlette(routes=[Route("/openai/v1/chat/completions", chat, methods=["POST"])])
uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error")
