"""The cloud keeps to what groqnb, and its local engine, take for granted.

These run with ``pytest --cloud`` and a key alone. Each asks little, and costs far below a cent.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

import groqnb

pytestmark = pytest.mark.cloud

MODEL = "llama-3.1-8b-instant"
SPEECH = Path(__file__).parents[1] / "notebooks" / "data" / "speech_en.flac"


@pytest.fixture
def client() -> groqnb.Groq:
    """A client that a key in the environment sends to the cloud, or to GROQ_BASE_URL."""
    made = groqnb.Groq()
    assert made.target.kind != "local"
    return made


def test_an_answer_comes_with_its_usage_limits_and_id(client: groqnb.Groq) -> None:
    reply = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Say yes."}],
        max_completion_tokens=5,
    )
    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.total_time
    assert reply.rate_limit.limit_requests
    assert reply.request_id


def test_a_stream_ends_with_its_usage(client: groqnb.Groq) -> None:
    stream = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Count to five."}],
        max_completion_tokens=20,
        stream=True,
    )
    answer = groqnb.show(stream)
    assert answer.text
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    assert answer.timing.ttft is not None


def test_the_list_of_models_is_read(client: groqnb.Groq) -> None:
    models = client.models.list().data
    assert models
    assert all(model.id for model in models)
    assert client.models.retrieve(models[0].id).id == models[0].id


def test_a_schema_is_kept(client: groqnb.Groq) -> None:
    class Place(BaseModel):
        city: str
        country: str

    reply = client.chat.completions.parse(
        model="openai/gpt-oss-20b",
        messages=[{"role": "user", "content": "The Eiffel Tower stands in Paris, in France."}],
        response_format=Place,
        max_completion_tokens=500,
    )
    assert isinstance(reply.parsed, Place)


def test_a_tool_that_is_required_is_called(client: groqnb.Groq) -> None:
    def price(article: str) -> float:
        """The price of an article of the bicycle shop, in euros."""
        return 6.0

    run = groqnb.run_tools(
        client,
        model="llama-3.3-70b-versatile",
        messages="What does a bell cost?",
        tools=[price],
        tool_choice="required",
        max_completion_tokens=100,
    )
    assert run.steps[0].name == "price"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"model": "no-such-model"}, groqnb.NotFoundError),
        ({"model": MODEL, "max_completion_tokens": 10_000_000}, groqnb.BadRequestError),
    ],
)
def test_refusals_are_the_documented_errors(
    client: groqnb.Groq, asked: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.chat.completions.create(messages=[{"role": "user", "content": "Hi"}], **asked)


def test_a_wrong_key_is_told_without_the_key(client: groqnb.Groq) -> None:
    address = client.target.connect().base_url
    wrong = groqnb.Groq(base_url=address, api_key="gsk" + "_none", max_retries=0)
    with pytest.raises(groqnb.AuthenticationError) as caught:
        wrong.models.list()
    assert "gsk" + "_none" not in str(caught.value)


def test_speech_is_written_down_with_the_times_of_words(client: groqnb.Groq) -> None:
    talk = groqnb.transcribe(SPEECH, language="en", client=client, progress=False)
    assert "harbor" in talk.text.lower().replace("harbour", "harbor")
    assert len(talk.words) > 30


def test_compound_tells_what_it_ran(client: groqnb.Groq) -> None:
    reply = client.chat.completions.create(
        model="groq/compound-mini",
        messages=[{"role": "user", "content": "Run Python: what is 1234 * 5678?"}],
        compound_custom={"tools": {"enabled_tools": ["code_interpreter"]}},
        max_completion_tokens=400,
    )
    assert reply.choices[0].message.content
    for tool in reply.choices[0].message.executed_tools or []:
        assert tool.type
