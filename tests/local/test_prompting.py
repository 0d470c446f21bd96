"""Prompts are made while the common threads wait for something else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from groqnb.local.parts.llm import Llm, Prompt


def test_a_prompt_waits_for_nobody_who_waits_for_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """What chooses among tools is fetched at its first use, which may take minutes."""
    go_on = threading.Event()

    async def main() -> Prompt:
        loop = asyncio.get_running_loop()
        llm = Llm(Path("none.gguf"), "none", 100)
        llm._loaded.set_result(SimpleNamespace(listening_address="http://127.0.0.1:1"))
        monkeypatch.setattr(llm, "_prompt", lambda *_: Prompt("Hi", 1))
        waiting = [loop.run_in_executor(None, go_on.wait, 60) for _ in range(64)]
        try:
            return await asyncio.wait_for(llm.prompt([]), 30)
        finally:
            go_on.set()
            await asyncio.gather(*waiting)

    assert asyncio.run(main()).text == "Hi"
