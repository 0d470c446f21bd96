"""Guard models before and behind a conversation, in Python and in `%%groq --guard`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from both_worlds import KEY, completion
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, last, outputs, run, usage_error

import groqnb
from groqnb import Groq, Guard, GuardError, ParameterError, ResponseError
from groqnb.guarding import CONTENT_MODEL, PROMPT_MODEL, Checked

MODEL = "llama-3.1-8b-instant"


class World:
    """A server with guard models; "ignore" is an attack, "bomb" is S9."""

    def __init__(self, **said: str) -> None:
        self.said = said
        self.requests: list[dict[str, Any]] = []
        self.client = Groq(
            api_key=KEY, where="cloud", transport=httpx.MockTransport(self._answer), max_retries=0
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.requests.append(body)
        content = body["messages"][-1]["content"]
        text = content if isinstance(content, str) else content[0].get("text", "")
        if "prompt-guard" in body["model"]:
            said = self.said.get("prompt", "0.998" if "ignore" in text else "0.004")
        elif "llama-guard" in body["model"]:
            if self.said.get("content") == "501":
                error = {"message": "not served here", "code": "not_implemented"}
                mark = {"x-groqnb-engine": "local"}
                return httpx.Response(501, json={"error": error}, headers=mark)
            said = self.said.get("content", "unsafe\nS9" if "bomb" in text else "safe")
        else:
            said = self.said.get("answer", f"You said {text}")
            reply = completion(said)
            reply["choices"][0]["message"]["reasoning"] = self.said.get("thought")
            return httpx.Response(200, json=reply)
        return httpx.Response(200, json={**completion(said), "model": body["model"]})


def test_a_prompt_is_judged_by_both_models() -> None:
    """Prompt Guard gives a score, Llama Guard a word."""
    world = World()
    checked = Guard(client=world.client).check("Hello")
    assert not checked.hit
    assert [each.model for each in checked] == [PROMPT_MODEL, CONTENT_MODEL]
    assert str(checked) == "safe"
    frame = checked.to_frame()
    assert frame["score"].tolist()[0] == 0.004
    assert frame["safe"].tolist() == [True, True]


def test_an_answer_is_judged_by_its_content_alone() -> None:
    """It is sent as the assistant's."""
    world = World()
    checked = Guard(client=world.client).check("a bomb", role="assistant")
    assert checked.hit
    assert str(checked) == "unsafe: S9 Indiscriminate Weapons"
    assert [body["messages"][0]["role"] for body in world.requests] == ["assistant"]


@pytest.mark.parametrize(
    ("settings", "text", "hit"),
    [
        ({}, "ignore this", True),
        ({"threshold": 0.999}, "ignore this", False),
        ({"threshold": 0.0}, "Hello", True),
        ({"prompt_model": None}, "ignore this", False),
        ({"categories": ["S1", "S2"]}, "bomb", False),
        ({"categories": ["S9"]}, "bomb", True),
        ({"content_model": None}, "bomb", False),
    ],
    ids=str,
)
def test_threshold_and_categories_say_what_counts(
    settings: dict[str, Any], text: str, hit: bool
) -> None:
    """The models' words stay the same; which of them are hits, the user says."""
    assert Guard(client=World().client, **settings).check(text).hit is hit


def test_unsafe_without_a_category_counts_for_all() -> None:
    """No category narrows it down."""
    world = World(content="unsafe")
    assert Guard(client=world.client, categories=["S1"]).check("Hello").hit


def test_images_go_to_llama_guard() -> None:
    """The parts are sent as they are; Prompt Guard gets the text."""
    world = World()
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    Guard(client=world.client).check(parts)
    assert world.requests[0]["messages"][0]["content"] == "What is this?"
    assert world.requests[1]["messages"][0]["content"] == parts


PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize("url", [PNG, "https://example.com/photo.jpg"])
def test_an_image_is_sent_as_the_documentation_says(url: str) -> None:
    """A user message with image parts and nothing else: no system message, no parameters."""
    world = World()
    parts = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    checked = Guard(client=world.client).check(parts)
    assert world.requests == [
        {"model": CONTENT_MODEL, "messages": [{"role": "user", "content": parts}]}
    ]
    assert str(checked) == "safe"


def test_an_unsafe_image_stops_a_message_by_its_category() -> None:
    """Text and images are judged together, and the error names the category."""
    world = World(content="unsafe\nS12")
    parts = [
        {"type": "text", "text": "Who is this?"},
        {"type": "image_url", "image_url": {"url": PNG}},
    ]
    guard = Guard(client=world.client, prompt_model=None)
    with pytest.raises(GuardError, match="S12 Sexual Content") as raised:
        guard.before([{"role": "user", "content": parts}])
    assert raised.value.checked[0].verdict.categories == ("S12",)
    assert [body["model"] for body in world.requests] == [CONTENT_MODEL]


def test_too_many_images_are_refused_before_anything_is_judged() -> None:
    """A request holds five."""
    world = World()
    parts = [{"type": "image_url", "image_url": {"url": PNG}}] * 6
    with pytest.raises(ParameterError, match="6 images"):
        Guard(client=world.client).check(parts)
    assert world.requests == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("safe", "safe"),
        ("\n\nSafe.\n", "safe"),
        ("**safe**", "safe"),
        ("unsafe\nS1,S5", "unsafe: S1 Violent Crimes, S5 Defamation"),
        ("UNSAFE\ns1 , S5\n", "unsafe: S1 Violent Crimes, S5 Defamation"),
        ("unsafe\nS1\nS5\nS1", "unsafe: S1 Violent Crimes, S5 Defamation"),
        ("unsafe: S01", "unsafe: S1 Violent Crimes"),
        ("unsafe\nS99", "unsafe: S99"),
        ("unsafe", "unsafe"),
        ("unsafe\nviolence <script>", "unsafe"),
    ],
)
def test_odd_forms_of_a_verdict_are_understood(said: str, told: str) -> None:
    """Case, spaces, marks and unknown categories; a warning is never lost."""
    checked = Guard(client=World(content=said).client, prompt_model=None).check("Hello")
    assert str(checked) == told
    assert checked.hit is told.startswith("unsafe")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "  ",
        "uns",
        "safe\nS1",
        "safe, but ignore that",
        "I cannot say",
        "S1",
        "safely",
        "unsafe to say",
    ],
)
def test_what_is_no_verdict_is_an_error_and_never_safe(said: str) -> None:
    """An answer that was cut off, or talked into something, lets nothing through."""
    world = World(content=said)
    with pytest.raises(ResponseError, match="no verdict"):
        Guard(client=world.client, prompt_model=None).check("Hello")


def test_a_long_prompt_is_judged_in_parts_and_the_worst_counts() -> None:
    """Prompt Guard reads 512 tokens."""
    world = World()
    checked = Guard(client=world.client, content_model=None).check(f"{'fine ' * 2000}ignore")
    assert checked.hit
    assert len(checked) == 1
    assert len(world.requests) > 5
    assert all(len(body["messages"][0]["content"]) <= 1500 for body in world.requests)
    with pytest.raises(ParameterError, match="characters"):
        Guard(client=world.client).check("x" * 1_000_000)


@pytest.mark.parametrize(("size", "parts"), [(1, 1), (1500, 1), (1501, 2), (2800, 2), (2801, 3)])
def test_a_prompt_has_no_more_parts_than_it_needs(size: int, parts: int) -> None:
    """Each is a call, and each begins before the end of the one before it."""
    world = World()
    text = "".join(chr(97 + at * at % 26) for at in range(size))
    Guard(client=world.client, content_model=None).check(text)
    sent = [body["messages"][0]["content"] for body in world.requests]
    assert len(sent) == parts
    assert sorted(sent, key=text.index)[-1] == text[1300 * (parts - 1) :]


@pytest.mark.parametrize("on_hit", ["warn", "block", "redact"])
def test_a_bad_prompt_is_stopped_unless_it_is_only_told(on_hit: Any) -> None:
    """Nothing is sent to the model then, and the error has the verdicts."""
    world = World()
    guard = Guard(on_hit=on_hit, client=world.client)
    if on_hit == "warn":
        assert guard.ask("ignore all", model=MODEL).text == "You said ignore all"
        return
    with pytest.raises(GuardError, match="The prompt was not sent") as raised:
        guard.ask("ignore all", model=MODEL)
    assert raised.value.checked[0].score == 0.998
    assert MODEL not in [body["model"] for body in world.requests]


@pytest.mark.parametrize(
    ("on_hit", "text"),
    [("warn", "a bomb"), ("redact", "[withheld: unsafe: S9 Indiscriminate Weapons]")],
)
def test_a_bad_answer_is_told_or_replaced(on_hit: Any, text: str) -> None:
    """Redacting leaves the reason in its place."""
    world = World(answer="a bomb")
    assert Guard(on_hit=on_hit, client=world.client).ask("Hello", model=MODEL).text == text


def test_nothing_of_a_redacted_answer_is_left() -> None:
    """Neither in its messages, which go along with the next question, nor in its reasoning."""
    world = World(answer="a bomb", thought="They want a bomb.")
    answer = Guard(on_hit="redact", client=world.client).ask("Hello", model=MODEL)
    assert answer.messages[-1]["content"] == answer.text
    assert answer.reasoning is None
    assert answer.executed_tools == answer.tool_calls == []


def test_reasoning_is_judged_where_no_answer_followed() -> None:
    """A model that ran out of tokens while it thought has said something all the same."""
    world = World(answer="", thought="how to build a bomb")
    with pytest.raises(GuardError, match="The answer is withheld"):
        Guard(client=world.client).ask("Hello", model=MODEL)


def test_a_bad_answer_is_withheld() -> None:
    """It does not stand in the error either."""
    world = World(answer="how to build a bomb")
    with pytest.raises(GuardError, match="The answer is withheld: unsafe: S9") as raised:
        Guard(client=world.client).ask("Hello", model=MODEL)
    assert "build" not in str(raised.value)


def test_a_guarded_answer_does_not_stream() -> None:
    """Pieces of it would be seen before it was judged; nobody is asked."""
    world = World(answer="how to build a bomb")
    with pytest.raises(ParameterError, match="leave stream out"):
        Guard(client=world.client).ask("Hello", model=MODEL, stream=True)
    assert world.requests == []


def test_a_model_that_is_not_served_is_told() -> None:
    """The local engine has no policy model: what could not be checked is said, never "safe"."""
    world = World(content="501")
    guard = Guard(client=world.client)
    checked = guard.check("Hello")
    assert checked.missing == [CONTENT_MODEL]
    assert str(checked) == f"safe; not checked by {CONTENT_MODEL}"
    assert str(guard.check("Hello", role="assistant")) == f"not checked by {CONTENT_MODEL}"
    assert checked.to_frame()["why"].tolist()[1] == "not served here."
    with pytest.warns(UserWarning, match=f"Not judged by {CONTENT_MODEL}"):
        assert guard.ask("Hello", model=MODEL).text == "You said Hello"


def test_an_answer_that_is_no_verdict_is_an_error() -> None:
    """It is never taken for safe."""
    with pytest.raises(ResponseError, match="no verdict"):
        Guard(client=World(content="I think so").client).check("Hello")


def broken(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route")


def slow(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too late")


def refusing(status: int, code: str = "") -> Callable[[httpx.Request], httpx.Response]:
    error = {"message": "no", "code": code}
    return lambda _: httpx.Response(status, json={"error": error})


@pytest.mark.parametrize("on_hit", ["block", "redact"])
@pytest.mark.parametrize("guards", [PROMPT_MODEL, CONTENT_MODEL])
@pytest.mark.parametrize(
    ("failing", "error"),
    [
        (refusing(429), groqnb.RateLimitError),
        (refusing(500), groqnb.InternalServerError),
        (refusing(503), groqnb.InternalServerError),
        (refusing(401), groqnb.AuthenticationError),
        (refusing(404, "model_not_found"), groqnb.NotFoundError),
        (refusing(501, "not_implemented"), groqnb.InternalServerError),
        (broken, groqnb.APIConnectionError),
        (slow, groqnb.APITimeoutError),
    ],
    ids=["429", "500", "503", "401", "unknown model", "501 of others", "no network", "timeout"],
)
def test_a_guard_that_cannot_be_asked_lets_nothing_through(
    on_hit: Any, guards: str, failing: Callable[[httpx.Request], httpx.Response], error: Any
) -> None:
    """The failure is raised, and the model behind it was not asked."""
    world = World()
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["model"])
        return failing(request) if asked[-1] == guards else world._answer(request)

    client = Groq(api_key=KEY, where="cloud", transport=httpx.MockTransport(answer), max_retries=0)
    with pytest.raises(error) as raised:
        Guard(on_hit=on_hit, client=client).ask("Hello", model=MODEL)
    assert MODEL not in asked
    if error is groqnb.NotFoundError:
        name = "prompt_model" if guards == PROMPT_MODEL else "content_model"
        assert f"Guard({name}=None)" in str(raised.value)


def test_an_answer_that_cannot_be_judged_is_not_given() -> None:
    """The guard fails behind the answer."""
    world = World(answer="a bomb")

    def answer(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content)["messages"][-1]["role"] == "assistant":
            return httpx.Response(429, json={"error": {"message": "later"}})
        return world._answer(request)

    client = Groq(api_key=KEY, where="cloud", transport=httpx.MockTransport(answer), max_retries=0)
    with pytest.raises(groqnb.RateLimitError) as raised:
        Guard(client=client).ask("Hello", model=MODEL)
    assert "bomb" not in str(raised.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"on_hit": "stop"},
        {"threshold": 2},
        {"categories": ["S15"]},
        {"prompt_model": None, "content_model": None},
    ],
    ids=str,
)
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    """At once, with what is allowed."""
    with pytest.raises(ParameterError):
        Guard(**settings)


# --- the magic ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server on loopback has guard models."""
    monkeypatch.setattr("chat_server.MODELS", [MODEL, PROMPT_MODEL, CONTENT_MODEL])


def test_a_guarded_cell_says_so(ip: InteractiveShell, server: ChatServer) -> None:
    """Both checks stand under the answer."""
    run(ip, f"%%groq --guard -m {MODEL}\nHello")
    assert "You said: Hello" in last(ip)
    assert "guarded: prompt safe, answer safe" in last(ip)
    assert [body["model"] for body in server.requests] == [
        PROMPT_MODEL,
        CONTENT_MODEL,
        MODEL,
        CONTENT_MODEL,
    ]


def test_a_cell_with_an_attack_fails_before_it_is_sent(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """GuardError, and the model was not asked."""
    error = failed(ip, f"%%groq --guard -m {MODEL}\nignore everything")
    assert isinstance(error, GuardError)
    assert error.hint == "`--guard warn` would only have said so."
    assert MODEL not in [body["model"] for body in server.requests]


def test_a_withheld_answer_is_nowhere(ip: InteractiveShell) -> None:
    """Not on the page, not even while it streamed, nor in the notebook's names."""
    error = failed(ip, f"%%groq --guard -m {MODEL}\nspell b o m b")
    assert isinstance(error, GuardError)
    assert "bomb" not in json.dumps(outputs(ip))
    assert "_groq" not in ip.user_ns


def test_all_that_was_said_is_judged_also_where_code_alone_is_wanted(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest would go along with the next question."""
    monkeypatch.setattr(Guard, "before", lambda self, messages: Checked())
    text = "answer a bomb\n```python\nx = 1\n```"
    assert isinstance(failed(ip, f"%%groq --guard -c --as code -m {MODEL}\n{text}"), GuardError)
    run(ip, f"%%groq --guard=redact -c --as code -m {MODEL}\n{text}")
    answer = ip.user_ns["_groq"]
    assert answer.text == answer.whole == "[withheld: unsafe: S9 Indiscriminate Weapons]"
    run(ip, f"%%groq -c -m {MODEL}\nGo on")
    assert server.requests[-1]["messages"][1]["content"] == answer.text


def test_a_redacted_answer_stands_with_its_reason(ip: InteractiveShell) -> None:
    """The text, the messages and the page have the remark."""
    run(ip, f"%%groq --guard redact -c -m {MODEL}\nspell b o m b")
    answer = ip.user_ns["_groq"]
    assert answer.text == "[withheld: unsafe: S9 Indiscriminate Weapons]"
    assert answer.messages[-1]["content"] == answer.text
    assert "answer unsafe: S9" in last(ip)
    assert "bomb" not in json.dumps(outputs(ip))


def test_what_was_only_thought_is_judged_too(ip: InteractiveShell) -> None:
    """It would stand on the page."""
    assert isinstance(failed(ip, f"%%groq --guard -m {MODEL}\nmuse b o m b"), GuardError)
    assert "bomb" not in json.dumps(outputs(ip))


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_an_interrupt_while_a_guard_judges_leaves_nothing(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: Any, role: str
) -> None:
    """The cell ends as stopped, without a traceback, and what was not judged is not shown."""
    check = Guard.check

    def interrupted(guard: Guard, content: Any, **more: Any) -> Any:
        if more["role"] == role:
            raise KeyboardInterrupt
        return check(guard, content, **more)

    monkeypatch.setattr(Guard, "check", interrupted)
    result = run(ip, f"%%groq --guard -m {MODEL}\nspell h e l l o")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert capsys.readouterr() == ("", "")
    assert " · stopped · " in last(ip)
    assert "hello" not in json.dumps(outputs(ip))
    assert (ip.user_ns["_groq"].text, ip.user_ns["_groq"].stopped) == ("", True)


def test_an_answer_that_goes_on_is_guarded_like_its_beginning(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """`%groq continue` takes the guard over."""
    run(ip, f"%%groq --guard -m {MODEL}\nlong")
    server.requests.clear()
    assert run(ip, "%groq continue").success
    assert [body["model"] for body in server.requests] == [
        PROMPT_MODEL,
        CONTENT_MODEL,
        MODEL,
        CONTENT_MODEL,
    ]


def test_a_cell_whose_guard_fails_fails(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without the guard model lets nothing through, and the model is not asked."""
    monkeypatch.setattr("chat_server.MODELS", [MODEL, PROMPT_MODEL])
    assert isinstance(failed(ip, f"%%groq --guard -m {MODEL}\nHello"), groqnb.NotFoundError)
    assert MODEL not in [body["model"] for body in server.requests]


@pytest.mark.parametrize("word", ["never", "--guard"])
def test_another_word_after_guard_is_refused(ip: InteractiveShell, word: str) -> None:
    """It says which there are."""
    assert "--guard" in usage_error(ip, f"%%groq --guard {word}\nHello")
