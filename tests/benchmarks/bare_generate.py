"""xllamacpp called directly, nothing around it: the peer of bench_engine_stream. A program.

For each line of its input, a number of clients, it generates that many answers at once and
prints the seconds and the tokens that it took.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import xllamacpp

PATH, BODY = sys.argv[1], json.loads(sys.argv[2])


def load() -> xllamacpp.Server:
    params = xllamacpp.CommonParams()
    params.model.path = PATH
    params.n_ctx = 8192
    params.n_parallel = 4
    params.kv_unified = True
    params.warmup = False
    params.verbosity = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    return xllamacpp.Server(params)


server = load()
for line in sys.stdin:
    counts: list[int] = []

    def one(counts: list[int] = counts) -> None:
        def on_chunk(chunk: dict) -> None:  # type: ignore[type-arg]
            usage = chunk.get("usage")
            if usage:
                counts.append(usage["completion_tokens"])

        server.handle_chat_completions(BODY, on_chunk)

    threads = [threading.Thread(target=one) for _ in range(int(line))]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps([time.perf_counter() - start, sum(counts)]), flush=True)
