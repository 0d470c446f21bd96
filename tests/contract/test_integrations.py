"""Libraries of other people, pointed at the local engine: they work as with Groq's cloud.

Skipped where they are not installed (`pip install 'groqnb[integrations]'`).
"""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

SCOUT = "meta-llama/llama-4-scout-17b-16e-instruct"
SENTENCE = [{"role": "user", "content": "The Eiffel Tower stands in Paris, in France."}]


class Place(BaseModel):
    """What is to be read."""

    city: str
    country: str


@pytest.mark.parametrize("mode", ["JSON_SCHEMA", "TOOLS"])
def test_instructor_gets_objects_of_a_class(engine: Engine, mode: str) -> None:
    instructor = pytest.importorskip("instructor")
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=engine.base_url, api_key=engine.api_key) as plain:
        client = instructor.from_openai(plain, mode=instructor.Mode[mode])
        place = client.chat.completions.create(
            model=SCOUT,
            response_model=Place,
            messages=SENTENCE,
            temperature=0,
            max_completion_tokens=200,
        )
    assert isinstance(place, Place)


def test_langchain_answers_streams_and_counts(engine: Engine) -> None:
    langchain = pytest.importorskip("langchain_openai")
    chat = langchain.ChatOpenAI(
        model="llama-3.1-8b-instant",
        base_url=engine.base_url,
        api_key=engine.api_key,
        temperature=0,
        max_completion_tokens=12,
    )
    reply = chat.invoke([("system", "Be brief."), ("human", "Name a fruit.")])
    assert reply.content
    usage = reply.usage_metadata
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    assert "".join(str(chunk.content) for chunk in chat.stream("Count to three."))


def test_langchain_calls_tools_and_keeps_to_a_schema(engine: Engine) -> None:
    langchain = pytest.importorskip("langchain_openai")
    from langchain_core.tools import tool

    @tool
    def price(article: str) -> float:
        """The price of an article of the bicycle shop."""
        return 6.0

    settings = {
        "base_url": engine.base_url,
        "api_key": engine.api_key,
        "temperature": 0,
        "max_completion_tokens": 200,
    }
    chat = langchain.ChatOpenAI(model="llama-3.3-70b-versatile", **settings)
    asked = chat.bind_tools([price], tool_choice="any").invoke("What does a bell cost?")
    assert [call["name"] for call in asked.tool_calls] == ["price"]
    assert set(asked.tool_calls[0]["args"]) == {"article"}
    typed = langchain.ChatOpenAI(model=SCOUT, **settings)
    place = typed.with_structured_output(Place, method="json_schema").invoke(SENTENCE[0]["content"])
    assert isinstance(place, Place)


def test_langchain_for_groq_answers(engine: Engine) -> None:
    langchain = pytest.importorskip("langchain_groq")
    chat = langchain.ChatGroq(
        model="llama-3.1-8b-instant",
        base_url=engine.base_url.removesuffix("/openai/v1"),
        api_key=engine.api_key,
        temperature=0,
        max_tokens=12,
        timeout=240,
    )
    assert chat.invoke("Name a fruit.").content


def test_litellm_answers_streams_and_knows_the_errors(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Prices and tokenizers come with the package; else it looks for them on the web.
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm")
    monkeypatch.setattr(litellm, "disable_hf_tokenizer_download", True)
    asked = {
        "api_base": engine.base_url,
        "api_key": engine.api_key,
        "messages": [{"role": "user", "content": "Name a fruit."}],
        "temperature": 0,
        "max_tokens": 12,
    }
    reply = litellm.completion(model="groq/llama-3.1-8b-instant", **asked)
    assert reply.choices[0].message.content
    assert reply.usage.total_tokens > 0
    stream = litellm.completion(model="groq/llama-3.1-8b-instant", stream=True, **asked)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    with pytest.raises(litellm.NotFoundError):
        litellm.completion(model="groq/no-such-model", **asked)
