"""How the contract tests talk to the engine: by plain HTTP, and by the official packages."""

from __future__ import annotations

from collections.abc import Iterator

import groq
import httpx
import openai
import pytest

from groqnb.local.process import Engine


@pytest.fixture(scope="session")
def http(engine: Engine) -> Iterator[httpx.Client]:
    """A plain client at the engine's base URL, with its key."""
    headers = {"Authorization": f"Bearer {engine.api_key}"}
    with httpx.Client(base_url=engine.base_url, headers=headers, timeout=240) as client:
        yield client


@pytest.fixture(scope="session")
def groq_client(engine: Engine) -> Iterator[groq.Groq]:
    """The official `groq` package; it appends /openai/v1 by itself."""
    root = engine.base_url.removesuffix("/openai/v1")
    with groq.Groq(base_url=root, api_key=engine.api_key, max_retries=0, timeout=240) as client:
        yield client


@pytest.fixture(scope="session")
def openai_client(engine: Engine) -> Iterator[openai.OpenAI]:
    """The official `openai` package."""
    with openai.OpenAI(base_url=engine.base_url, api_key=engine.api_key, max_retries=0) as client:
        yield client
