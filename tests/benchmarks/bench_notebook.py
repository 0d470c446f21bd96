"""What groqnb costs in a notebook: loading the extension, and painting a streamed answer.

`python -m tests.benchmarks.bench_notebook` prints the rows.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks.table import Row, as_text

__all__ = ["rows"]

LOADS = 15
ANSWERS = 3
TOKENS = 2000
RATE = 750.0  # tokens a second

PART = """## Part {i}

Fast answers change how people work in a notebook: a question that takes half a second is asked
again and again, one that takes **half a minute** is asked once. The cost of a token is *not* the
whole story, and `latency` is felt long before it is measured (see [{i}](https://example.com/{i})).

A second paragraph goes on about the same thing for a while, so that the text has the shape of an
answer as models write them: some prose, a list now and then, a table or a piece of code, and a
formula such as $E = mc^2$ where it helps. It costs $5 a month, they say, or $50 a year.

1. **First**, measure what is slow, with numbers of the real thing.
2. Then change one thing, and measure again.
   - nested remarks are common
   - and so are two of them

"""
CODE = """```python
def mean(values):
    return sum(values) / len(values)
```

| name | value |
|------|------:|
| a    |     1 |

"""

PAINTING = """
import time
from IPython.display import Markdown, display
from groqnb.render.stream import painter
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.chat import ChatCompletionChunk

def paced(step):
    started, before = time.monotonic(), time.process_time()
    for number in range(len(tokens)):
        while (left := started + number / rate - time.monotonic()) > 0:
            time.sleep(left)
        step(number)
    time.sleep(0.1)  # what other threads of the kernel still have to send
    return time.process_time() - before

def every_token():
    handle, text = display(Markdown(""), display_id=True), []
    def step(number):
        text.append(tokens[number])
        handle.update(Markdown("".join(text)))
    return paced(step)

def groqnb():
    chunks = [
        ChatCompletionChunk.model_validate(
            {"id": "c", "choices": [{"index": 0, "delta": {"content": token}}]}
        )
        for token in tokens
    ]
    builder, shown = AnswerBuilder(model="m"), painter(get_ipython(), "local engine")
    shown.say("asking m")
    def step(number):
        builder.feed(chunks[number])
        shown.show(builder)
        if number + 1 == len(chunks):
            shown.finish(builder.build(ttft=0.1, wall=2.7))
    return paced(step)

def idle():
    return paced(lambda number: None)

groqnb()  # imports, and the parser's first use
"""


def answer_text() -> str:
    """12,000 characters as a model writes them."""
    parts = [PART.format(i=i) + (CODE if i % 3 == 0 else "") for i in range(20)]
    return "".join(parts)[: TOKENS * 6]


def _loading() -> list[Row]:
    """Fresh processes, in turn, so that a busy moment meets all of them."""
    ipython = [sys.executable, "-m", "IPython", "--quick", "--no-banner", "-c"]
    commands = {"bare": [*ipython, "pass"], "loaded": [*ipython, "%load_ext groqnb"]}
    inside = (
        "import time\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "started = time.perf_counter()\n"
        "{}\n"
        "print(time.perf_counter() - started)"
    )
    timed = {
        "load_ext": inside.format("shell.run_line_magic('load_ext', 'groqnb')"),
        "import groq": inside.format("import groq"),
    }
    taken: dict[str, list[float]] = {name: [] for name in [*commands, *timed]}
    for number in range(LOADS + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if number:  # the first round warms the disk's cache
                taken[name].append(time.perf_counter() - started)
        for name, code in timed.items():
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            if number:
                taken[name].append(float(done.stdout))
    ms = {name: statistics.median(values) * 1000 for name, values in taken.items()}
    return [
        Row("%load_ext groqnb / import groq", ms["load_ext"], ms["import groq"], "ms", 0.05),
        Row("ipython -c '%load_ext groqnb' / 'pass'", ms["loaded"], ms["bare"], "ms", 1.10),
    ]


def _painting() -> list[Row]:
    """A real kernel: CPU of all its threads, without what the pacing itself takes."""
    from jupyter_client.manager import start_new_kernel

    text = answer_text()
    tokens = [text[i : i + 6] for i in range(0, len(text), 6)]
    code = f"import json\nrate = {RATE}\ntokens = json.loads({json.dumps(json.dumps(tokens))})\n"
    manager, client = start_new_kernel()
    printed: list[str] = []
    sent = {"update_display_data": 0, "display_data": 0}

    def listen(message: dict[str, Any]) -> None:
        kind = message["msg_type"]
        if kind == "stream":
            printed.append(message["content"]["text"])
        elif kind == "error":
            raise RuntimeError("\n".join(message["content"]["traceback"]))
        elif kind in sent:
            sent[kind] += 1

    def measure(name: str) -> float:
        printed.clear()
        client.execute_interactive(f"print({name}())", output_hook=listen, timeout=120)
        return float("".join(printed)) * 1000

    try:
        client.execute_interactive(code + PAINTING, output_hook=listen, timeout=120)
        names = ("idle", "every_token", "groqnb")
        taken = [[measure(name) for name in names] for _ in range(ANSWERS)]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    idle, peer, ours = (statistics.median(column) for column in zip(*taken, strict=True))
    return [
        Row("painting 2,000 tokens / one update a token", ours - idle, peer - idle, "ms CPU", 0.05)
    ]


def rows() -> list[Row]:
    """Every measurement of this file."""
    return [*_loading(), *_painting()]


if __name__ == "__main__":
    print(as_text(rows()))
