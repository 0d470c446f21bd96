"""Answer is plain data; its builder collects whatever a stream brings."""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder, split_thinking
from groqnb.types.chat import ChatCompletion, ChatCompletionChunk


def chunk(delta: dict[str, Any] | None = None, **fields: Any) -> ChatCompletionChunk:
    reason = fields.pop("finish_reason", None)
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    return ChatCompletionChunk.model_validate(
        {"id": "c", "choices": choices, "model": "m"} | fields
    )


USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 20,
    "total_tokens": 30,
    "queue_time": 0.1,
    "prompt_time": 0.2,
    "completion_time": 0.5,
    "total_time": 0.7,
    "prompt_tokens_details": {"cached_tokens": 4},
}


def test_a_single_token_has_no_rate() -> None:
    """Its time is that of the prompt; what a server states for the rest is a millionth second."""
    builder = AnswerBuilder(model="asked", messages=[{"role": "user", "content": "q"}])
    one = {**USAGE, "completion_tokens": 1, "completion_time": 0.000001}
    builder.feed(chunk({"content": "yes"}, finish_reason="stop", x_groq={"usage": one}))
    assert builder.build(ttft=0.3, wall=1.0).timing.tokens_per_second is None


def test_text_and_reasoning_are_joined_and_the_last_chunk_tells_the_usage() -> None:
    builder = AnswerBuilder(model="asked", messages=[{"role": "user", "content": "q"}])
    builder.feed(chunk({"role": "assistant"}, x_groq={"id": "req_1"}))
    builder.feed(chunk({"reasoning": "hm "}))
    builder.feed(chunk({"reasoning": "yes"}))
    assert builder.feed(chunk({"content": "Hel"})) == "Hel"
    builder.feed(chunk({"content": "lo"}))
    builder.feed(chunk({}, finish_reason="stop", x_groq={"usage": USAGE}))
    answer = builder.build(ttft=0.3, wall=1.0)
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("Hello", "hm yes", "stop")
    assert (answer.model_asked, answer.model_answered, answer.request_id) == ("asked", "m", "req_1")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 20
    assert answer.cached_tokens == 4
    assert answer.timing.tokens_per_second == 40
    assert (answer.timing.queue, answer.timing.ttft) == (0.1, 0.3)
    assert answer.messages[-1] == {"role": "assistant", "content": "Hello"}


def test_the_local_engine_is_named_by_its_header() -> None:
    builder = AnswerBuilder(model="llama-3.3-70b-versatile", where="local")
    answer = builder.build(headers={"x-groqnb-model": "SmolLM2"})
    assert answer.model_answered == "SmolLM2"


def test_pieces_of_tool_calls_are_joined_by_their_index() -> None:
    builder = AnswerBuilder()
    for piece in (
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x"'}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": ": 1}"}},
    ):
        builder.feed(chunk({"tool_calls": [piece]}))
    answer = builder.build()
    assert [(c.id, c.function.name, c.function.arguments) for c in answer.tool_calls] == [
        ("a", "f", '{"x": 1}'),
        ("b", "g", "{}"),
    ]
    assert answer.messages[-1]["tool_calls"][0]["function"]["name"] == "f"


def test_executed_tools_bring_their_search_results() -> None:
    builder = AnswerBuilder()
    tool = {
        "index": 0,
        "type": "search",
        "arguments": "{}",
        "search_results": {"results": [{"title": "T", "url": "https://a.b", "score": 0.5}]},
    }
    builder.feed(chunk({"executed_tools": [tool]}))
    builder.feed(chunk({"executed_tools": [tool | {"output": "done"}]}))
    answer = builder.build()
    assert [t.output for t in answer.executed_tools] == ["done"]
    assert answer.search_results[0].title == "T"


def test_a_whole_reply_gives_the_same_answer_as_its_stream() -> None:
    reply = ChatCompletion.model_validate(
        {
            "id": "c",
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"content": "Hi", "reasoning": "r"},
                    "finish_reason": "stop",
                }
            ],
            "usage": USAGE,
        }
    )
    whole, streamed = AnswerBuilder(), AnswerBuilder()
    whole.complete(reply)
    for piece in ({"reasoning": "r"}, {"content": "H"}, {"content": "i"}):
        streamed.feed(chunk(piece))
    streamed.feed(chunk({}, finish_reason="stop", usage=USAGE))
    assert whole.build() == streamed.build()


def test_other_choices_and_unknown_fields_do_no_harm() -> None:
    builder = AnswerBuilder()
    builder.feed(chunk({"content": "a", "novelty": 1}, novelty={"x": 2}))
    other = {"index": 1, "delta": {"content": "other"}}
    builder.feed(ChatCompletionChunk.model_validate({"id": "c", "choices": [other]}))
    assert builder.build().text == "a"


def test_a_stopped_answer_keeps_what_had_come() -> None:
    builder = AnswerBuilder(messages=[{"role": "user", "content": "q"}])
    assert builder.build(stopped=True).messages == [{"role": "user", "content": "q"}]
    builder.feed(chunk({"content": "par"}))
    answer = builder.build(stopped=True)
    assert (answer.text, answer.stopped, answer.usage) == ("par", True, None)


def test_a_continued_answer_starts_with_the_earlier_text() -> None:
    builder = AnswerBuilder(messages=[{"role": "user", "content": "q"}], earlier="1, 2")
    builder.feed(chunk({"content": ", 3"}))
    answer = builder.build()
    assert answer.text == "1, 2, 3"
    assert [m["content"] for m in answer.messages] == ["q", "1, 2, 3"]


@pytest.mark.parametrize(
    ("content", "reasoning", "text"),
    [
        ("plain", None, "plain"),
        ("<think>a</think>b", "a", "b"),
        ("\n<think>\na\n</think>\n\nb", "a", "b"),
        ("<think>a", "a", ""),
        ("a <think>b</think>", None, "a <think>b</think>"),
        ("<", None, "<"),
        ("<think", None, "<think"),
    ],
)
def test_thinking_in_the_text_is_split_off(content: str, reasoning: str | None, text: str) -> None:
    assert split_thinking(content) == (reasoning, text)


def test_half_a_tag_is_not_shown_while_more_is_to_come() -> None:
    builder = AnswerBuilder()
    builder.feed(chunk({"content": "<thi"}))
    assert builder.parts() == (None, "")
    assert builder.build().text == "<thi"
    builder.feed(chunk({"content": "nk>deep"}))
    assert builder.parts() == ("deep", "")


@given(st.text(), st.lists(st.integers(0, 40), max_size=8))
def test_the_cuts_of_a_stream_do_not_matter(text: str, cuts: list[int]) -> None:
    builder = AnswerBuilder()
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, end in pairwise(edges):
        builder.feed(chunk({"content": text[start:end]}))
    whole = AnswerBuilder()
    whole.feed(chunk({"content": text}))
    assert builder.build() == whole.build()


def test_an_answer_is_its_text_in_a_string_and_short_in_a_repr() -> None:
    answer = Answer(text="x" * 500, model_answered="m")
    assert str(answer) == "x" * 500
    assert len(repr(answer)) < 120
    assert " at 0x" not in repr(answer)


def test_an_answer_is_cut_and_padded_as_its_text_is() -> None:
    answer = Answer(text="Blue light scatters.")
    assert f"{answer:.4}|{answer:>21}|{answer}" == "Blue| Blue light scatters.|" + answer.text


def test_an_answer_can_be_pickled() -> None:
    answer = Answer(text="a", messages=[{"role": "user", "content": "q"}])
    assert pickle.loads(pickle.dumps(answer)) == answer


def test_its_frame_has_one_row_with_proper_types() -> None:
    builder = AnswerBuilder(model="asked")
    builder.feed(chunk({"content": "a"}, usage=USAGE))
    frame = builder.build(ttft=0.25).to_frame()
    assert frame.shape[0] == 1
    assert frame.loc[0, "text"] == "a"
    assert str(frame.dtypes["prompt_tokens"]) == "Int64"
    assert frame.loc[0, "ttft"] == 0.25
    empty = Answer(text="").to_frame()
    assert empty["prompt_tokens"].isna().all()
    assert (empty.dtypes == frame.dtypes).all()


def test_a_stream_tells_the_usage_by_model_in_its_last_chunk() -> None:
    """Groq puts it beside the usage, in `x_groq`."""
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    share = {"model": "openai/gpt-oss-120b", "usage": usage}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    builder = AnswerBuilder(model="groq/compound")
    builder.feed(
        ChatCompletionChunk.model_validate(
            {
                "id": "c",
                "choices": [last],
                "x_groq": {"usage": usage, "usage_breakdown": {"models": [share]}},
            }
        )
    )
    breakdown = builder.build().usage_breakdown
    assert breakdown is not None
    assert breakdown.models is not None
    assert [one.model for one in breakdown.models] == ["openai/gpt-oss-120b"]
