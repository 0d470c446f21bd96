"""The chat panel without a page: the conversation, the calls, and what is saved."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from chat_server import KEY, ChatServer
from PIL import ExifTags, Image

import groqnb
from groqnb.images import pictures
from groqnb.types.errors import AuthenticationError, GroqnbError, ParameterError, StreamError
from groqnb.widgets.attaching import thumbnail
from groqnb.widgets.chat_panel import ChatPanel

LONG = 60.0  # s that a busy machine may take
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f0005000201f5bb2a5f0000000049454e44ae426082"
)

Make = Callable[..., ChatPanel]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def make(server: ChatServer) -> Iterator[Make]:
    """Make panels whose calls go to the chat server, or to a transport."""
    made: list[ChatPanel] = []

    def panel(transport: Any = None, **options: Any) -> ChatPanel:
        client = groqnb.Groq(base_url=server.url, api_key=KEY, max_retries=0, transport=transport)
        made.append(groqnb.chat(client=client, **options))
        return made[-1]

    yield panel
    for each in made:
        each.close()


class Page:
    """Plays the page of a panel: asks as it does, and keeps what it is told."""

    def __init__(self, panel: ChatPanel) -> None:
        self.panel = panel
        self.told: list[dict[str, Any]] = []
        self._number = 0
        self.changed = threading.Condition()

        def send(content: dict[str, Any], buffers: Any = None) -> None:
            json.dumps(content)  # it must go through a socket
            with self.changed:
                self.told.append(content)
                self.changed.notify_all()

        panel.send = send  # type: ignore[method-assign]

    def ask(self, what: str, **content: Any) -> Any:
        self._number += 1
        name = f"ask-{self._number}"
        message = {"kind": "gn-ask", "id": name, "what": what, "content": content}
        self.panel._handle_custom_msg(message, [])
        reply = next(each for each in reversed(self.told) if each.get("id") == name)
        assert reply["kind"] == "gn-reply"
        if "error" in reply:
            raise ValueError(reply["error"])
        return reply["value"]

    def upload(self, kind: str, data: bytes, **meta: Any) -> Any:
        piece = {"kind": "gn-piece", "id": "u1", "offset": 0}
        self.panel._handle_custom_msg(piece, [data])
        about = {"upload": "u1", "name": kind, "size": len(data), "meta": meta}
        return self.ask("gn-finish", **about)["value"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.told if each["kind"] == kind]

    def wait(self, seen: Callable[[], Any]) -> None:
        with self.changed:
            assert self.changed.wait_for(seen, LONG)

    def wait_words(self) -> None:
        """Wait until something of the answer has come that is on its way."""
        self.wait(
            lambda: [each for each in self.told if each["kind"] != "gn-reply"][-1]["kind"] == "grow"
        )

    def wait_idle(self) -> None:
        self.wait(lambda: self.of("chat") and not self.of("chat")[-1]["busy"])


def sse(*deltas: dict[str, Any]) -> httpx.Response:
    """A stream of these deltas."""
    chunks = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in deltas
    ]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks.append({"id": "c", "model": "m", "choices": [end]})
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text)


def call(name: str, arguments: str, id: str = "call_1", index: int = 0) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": id, "type": "function", "function": function}


class Weather:
    """Asks for the weather, and tells what the tools said."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.bodies.append(body)
        last = body["messages"][-1]
        if last["role"] == "tool":
            return sse({"content": f"It is {last['content']}."})
        return sse({"tool_calls": [call("weather", '{"city": "Rome"}')]})


# --- from Python ---


def test_questions_and_answers_follow_each_other(make: Make, server: ChatServer) -> None:
    """`ask` gives the answer, and the next question is sent with all that was said."""
    panel = make(system="Be brief.", temperature=0.5)
    assert panel.ask("hello").text == "You said: hello"
    assert panel.ask("more").text == "You said: more"
    sent = server.requests[-1]
    said = [message["content"] for message in sent["messages"]]
    assert said == ["Be brief.", "hello", "You said: hello", "more"]
    assert sent["temperature"] == 0.5
    assert panel.conversation.tokens == (6, 4)
    assert len(panel.conversation.to_frame()) == 4


def test_another_answer_and_another_question_are_branches(make: Make, server: ChatServer) -> None:
    """`again`, `edit` and `choose` change what is seen, and lose nothing."""
    panel = make()
    panel.ask("one")
    panel.again()
    panel.edit(1, "uno")
    chat = panel.conversation
    assert [turn.text for turn in chat.path] == ["uno", "You said: uno"]
    panel.choose(2)
    assert [turn.id for turn in chat.path] == [1, 2]
    assert len(chat) == 5
    panel.ask("two")
    assert [m["content"] for m in server.requests[-1]["messages"]] == [
        "one",
        "You said: one",
        "two",
    ]


def test_a_refused_question_keeps_its_text_and_raises(make: Make) -> None:
    """The error is raised, told in the conversation without the key, and the next question goes."""
    panel = make()
    with pytest.raises(AuthenticationError):
        panel.ask("status 401")
    turn = panel.conversation.last
    assert turn is not None
    assert turn.text == "status 401"
    assert turn.failure.startswith("AuthenticationError")
    assert KEY not in turn.failure
    assert KEY not in str(panel._result())
    assert panel.ask("hello").text == "You said: hello"


def test_a_new_answer_that_fails_leaves_the_old_one_in_sight(make: Make) -> None:
    """Asking again in vain loses nothing: the answer before is seen again, and the reason."""
    count = iter(range(2))
    panel = make(
        transport=httpx.MockTransport(
            lambda request: sse({"content": "yes"}) if next(count) == 0 else httpx.Response(500)
        )
    )
    panel.ask("hello")
    with pytest.raises(groqnb.InternalServerError):
        panel.again()
    assert [turn.text for turn in panel.conversation.path] == ["hello", "yes"]
    assert "InternalServerError" in panel.conversation.path[0].failure


def test_a_stream_that_breaks_keeps_what_had_come(make: Make) -> None:
    """What came is a turn, with the reason beside it."""
    panel = make()
    with pytest.raises(StreamError):
        panel.ask("cut")
    last = panel.conversation.last
    assert last is not None
    assert (last.text, bool(last.failure)) == ("one two three", True)


def test_stop_keeps_what_has_come_from_another_thread(make: Make, server: ChatServer) -> None:
    """`stop` ends the answer that a cell waits for; the connection is closed."""
    panel = make()
    page = Page(panel)
    waiter = threading.Thread(target=lambda: (page.wait(lambda: page.of("grow")), panel.stop()))
    waiter.start()
    answer = panel.ask("count 100000 every 0.01")
    waiter.join(LONG)
    assert answer.stopped
    assert answer.text.startswith("w0 ")
    assert panel.conversation.path[-1].answer is answer
    assert server.hung_up.wait(LONG)


INTERRUPTED = """
import _thread, sys, threading, time
import groqnb

client = groqnb.Groq(base_url=sys.argv[1], api_key="none")
panel = groqnb.chat(client=client)

def interrupt():
    while panel._growing is None:
        time.sleep(0.01)
    _thread.interrupt_main()

threading.Thread(target=interrupt, daemon=True).start()
answer = panel.ask("count 100000 every 0.01")
print(answer.stopped, answer.text[:3], len(panel.conversation))
print(panel.ask("hello").text)
panel.close()
"""


def test_an_interrupt_of_the_cell_stops_the_answer_and_keeps_it(server: ChatServer) -> None:
    """There is no error then: the answer is marked stopped, and the next question is answered."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, server.url],
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.stdout.splitlines() == ["True w0  2", "You said: hello"], done.stderr


def test_stop_before_the_first_word_keeps_the_question(make: Make) -> None:
    """There is no empty answer then: the question says that it was stopped."""
    panel = make()
    page = Page(panel)
    page.ask("send", text="count 2 every 3600", images=[])
    panel.stop()
    page.wait_idle()
    turn = panel.conversation.last
    assert turn is not None
    assert (turn.role, turn.failure) == ("user", "Stopped before the first word.")


def test_one_answer_at_a_time(make: Make) -> None:
    """While one is on its way, everything that would change the conversation is refused."""
    panel = make()
    page = Page(panel)
    panel.ask("hello")
    page.ask("send", text="count 100000 every 0.01", images=[])
    page.wait_words()
    with pytest.raises(ParameterError, match="on its way"):
        panel.ask("more")
    with pytest.raises(ParameterError, match="on its way"):
        panel.choose(1)
    panel.stop()
    page.wait_idle()
    assert len(panel.conversation) == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"temprature": 1}, "temperature"),
        ({"sytem": "x"}, "system"),
        ({"client": object()}, "groqnb.Groq"),
        ({"tools": [3]}, "function or a dict"),
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, Any], told: str) -> None:
    """The error names what was meant, or what is allowed."""
    with pytest.raises(ParameterError) as caught:
        groqnb.chat(**options)
    assert told in str(caught.value)


def test_an_empty_question_and_an_unknown_turn_are_refused(make: Make) -> None:
    """Nothing is sent for them."""
    panel = make()
    with pytest.raises(ParameterError, match="nothing to ask"):
        panel.ask("  ")
    with pytest.raises(ParameterError, match="Nothing was asked"):
        panel.again()
    with pytest.raises(ParameterError, match="no turn 7"):
        panel.choose(7)
    assert len(panel.conversation) == 0


# --- tools ---


def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def test_functions_run_when_the_model_calls_them(make: Make) -> None:
    """The answer that is waited for is the one after the tools."""
    server = Weather()
    panel = make(transport=httpx.MockTransport(server), tools=[weather])
    assert panel.ask("Weather?").text == "It is sunny in Rome."
    assert [turn.role for turn in panel.conversation.path] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert server.bodies[0]["tools"][0]["function"]["name"] == "weather"


def test_a_tool_that_is_required_is_required_once(make: Make) -> None:
    """Else the answer after the tools would have to call them again, for ever."""
    server = Weather()
    transport = httpx.MockTransport(server)
    panel = make(transport=transport, tools=[weather], tool_choice="required")
    panel.ask("Weather?")
    assert [body.get("tool_choice") for body in server.bodies] == ["required", None]


def test_calls_of_other_tools_wait_for_their_results(make: Make) -> None:
    """Schemas without a function: the answer has the calls, and `give` goes on."""
    schema = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    server = Weather()
    panel = make(transport=httpx.MockTransport(server), tools=[schema])
    asked = panel.ask("Weather?")
    assert [each.function.name for each in asked.tool_calls] == ["weather"]
    with pytest.raises(ParameterError, match="no result for weather"):
        panel.give({})
    with pytest.raises(ParameterError, match="not of the tools"):
        panel.run()
    assert panel.give({"call_1": "rain"}).text == "It is rain."
    assert server.bodies[-1]["messages"][-1]["tool_call_id"] == "call_1"


def test_tools_with_effects_wait_for_a_word(make: Make) -> None:
    """They run by `run`, and not before."""
    ran: list[str] = []

    @groqnb.tool(effects=True, name="weather")
    def change(city: str) -> str:
        """Change the weather."""
        ran.append(city)
        return "changed"

    panel = make(transport=httpx.MockTransport(Weather()), tools=[change])
    assert panel.ask("Sun!").tool_calls
    assert ran == []
    assert panel.run().text == "It is changed."
    assert ran == ["Rome"]


def test_stop_does_not_wait_for_a_tool(make: Make) -> None:
    """A function that hangs keeps nobody waiting, and its result is dropped."""
    began, free = threading.Event(), threading.Event()

    def weather(city: str) -> str:
        began.set()
        free.wait(LONG)
        return "late"

    panel = make(transport=httpx.MockTransport(Weather()), tools=[weather])
    page = Page(panel)
    page.ask("send", text="Weather?", images=[])
    assert began.wait(LONG)
    panel.stop()
    page.wait_idle()
    free.set()
    assert [turn.role for turn in panel.conversation.path] == ["user", "assistant"]


def test_an_interrupt_while_tools_run_gives_the_answer_that_asked_for_them(make: Make) -> None:
    """Nothing came after it, and it was not asked in vain."""

    @groqnb.tool(effects=True, name="weather")
    def change(city: str) -> str:
        """Change the weather."""
        panel.stop()
        return "changed"

    panel = make(transport=httpx.MockTransport(Weather()), tools=[change])
    asked = panel.ask("Sun!")
    assert panel.run() == asked
    assert panel.conversation.last.answer == asked
    assert not panel.talk.busy


def test_an_answer_that_does_not_stop_ends_the_cell_and_says_so(make: Make) -> None:
    """It was asked for; only its end does not come."""

    class Endless(threading.Event):
        """Is interrupted once, and never set."""

        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.waits += 1
            if self.waits == 1:
                raise KeyboardInterrupt
            return False

    panel = make(transport=httpx.MockTransport(Weather()))
    ended = panel.talk._idle
    panel.talk._idle = Endless()
    try:
        with pytest.raises(GroqnbError, match="was stopped, and has not ended"):
            panel._wait()
    finally:
        panel.talk._idle = ended


# --- images ---


def test_an_interrupt_before_the_question_is_sent_leaves_the_panel_free(make: Make) -> None:
    """The question stays, and says that it was not asked; the next one is answered."""
    panel = make()
    asked = panel._current_client

    def interrupted() -> groqnb.Groq:
        raise KeyboardInterrupt

    panel.talk._background._client_of = interrupted
    with pytest.raises(KeyboardInterrupt):
        panel.ask("hello")
    assert panel.conversation.turns[0].failure == "GroqnbError: Not asked: KeyboardInterrupt."
    panel.talk._background._client_of = asked
    assert panel.again().text == "You said: hello"


def test_images_go_with_the_question_and_those_before_it(make: Make, server: ChatServer) -> None:
    """They are parts of the message, and stay in the conversation."""
    panel = make(model="acme/brand-new-70b")
    panel.ask("what is this?", images=[PIXEL])
    panel.ask("and now?")
    first = server.requests[-1]["messages"][0]["content"]
    assert [part["type"] for part in first] == ["text", "image_url"]
    assert len(panel.conversation.path[0].images) == 1


def test_small_pictures_are_on_white_and_upright() -> None:
    """A chart without a background is not black, and a telephone's photograph does not lie."""
    clear, photo = io.BytesIO(), io.BytesIO()
    Image.new("RGBA", (400, 200)).save(clear, "PNG")
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (400, 200), "red").save(photo, "JPEG", exif=turned)
    seen = []
    for made in pictures([clear.getvalue(), photo.getvalue()]):
        small = thumbnail(made.part)
        assert small is not None
        seen.append(Image.open(io.BytesIO(small)))
    assert seen[0].getpixel((5, 5)) == (255, 255, 255)
    assert [each.size for each in seen] == [(160, 80), (80, 160)]


def test_a_model_that_cannot_see_is_not_sent_images(make: Make, server: ChatServer) -> None:
    """The error names models that can, and nothing is sent."""
    panel = make(model="llama-3.3-70b-versatile")
    with pytest.raises(ParameterError, match="llama-4"):
        panel.ask("what is this?", images=[PIXEL])
    assert server.requests == []


def test_the_page_adds_images_and_takes_them_away(make: Make, server: ChatServer) -> None:
    """What was uploaded goes with the next question, once; what is no image is refused."""
    panel = make(model="acme/brand-new-70b")
    page = Page(panel)
    first = page.upload("image", PIXEL, name="a.png")
    second = page.upload("image", PIXEL, name="b.png")
    assert "PNG" in first["facts"]
    page.ask("detach", id=second["id"])
    assert [each["id"] for each in page.ask("hello")["attached"]] == [first["id"]]
    page.ask("send", text="look", images=[first["id"]])
    page.wait_idle()
    assert len(server.requests[-1]["messages"][-1]["content"]) == 2
    assert page.ask("hello")["attached"] == []
    with pytest.raises(ValueError, match="no image"):
        page.upload("image", b"hello", name="a.png")
    with pytest.raises(ValueError, match="not here any more"):
        page.ask("send", text="look", images=["image-99"])


# --- the page ---


def test_a_page_that_opens_late_sees_all(make: Make) -> None:
    """It gets the turns, what has come of the answer, and nothing of it twice."""
    panel = make()
    page = Page(panel)
    panel.ask("hello")
    page.ask("send", text="count 100000 every 0.01", images=[])
    page.wait_words()
    hello = page.ask("hello")
    assert hello["busy"]
    assert [turn["id"] for turn in hello["path"]] == [1, 2, 3]
    assert "w0" in str(hello["live"])
    assert all(each["number"] != hello["number"] for each in page.of("grow"))
    bodies = page.ask("turns", ids=[1, 2])
    assert [body["text"] for body in bodies] == ["hello", "You said: hello"]
    panel.stop()
    page.wait_idle()
    assert page.of("chat")[-1]["totals"].startswith("2 answers")


def test_the_page_is_told_in_order(make: Make) -> None:
    """Numbers rise, the status comes before the words, and the last state has the answer."""
    panel = make()
    page = Page(panel)
    page.ask("send", text="think", images=[])
    page.wait_idle()
    told = [each for each in page.told if each["kind"] != "gn-reply"]
    numbers = [each["number"] for each in told]
    assert numbers == sorted(set(numbers))
    assert told[-1]["bodies"][-1]["text"] == "one two three"
    assert "Let me see." in told[-1]["bodies"][-1]["slots"]["think"]
    kinds = [each["kind"] for each in told]
    assert kinds.index("status") < len(kinds) - 1


def test_the_page_edits_chooses_and_asks_again(make: Make) -> None:
    """The buttons of the page do what the methods do."""
    panel = make()
    page = Page(panel)
    page.ask("send", text="one", images=[])
    page.wait_idle()
    page.ask("edit", id=1, text="uno")
    page.wait_idle()
    page.ask("again", id=4)
    page.wait_idle()
    page.ask("choose", id=1)
    assert [turn["id"] for turn in page.of("chat")[-1]["path"]] == [1, 2]
    assert page.of("chat")[-1]["path"][0]["beside"] == [1, 3]
    with pytest.raises(ValueError, match="no turn 99"):
        page.ask("choose", id=99)


def test_a_question_that_is_refused_at_once_is_told_to_the_page(make: Make) -> None:
    """The page keeps the text then; nothing is in the conversation."""
    panel = make(model="llama-3.3-70b-versatile")
    page = Page(panel)
    with pytest.raises(ValueError, match="nothing to ask"):
        page.ask("send", text=" ", images=[])
    assert len(panel.conversation) == 0


def test_what_is_said_becomes_text_or_an_error(make: Make) -> None:
    """The voice goes to the transcription endpoint; what comes back is told to the page."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/transcriptions") and b"sound" in request.content:
            return httpx.Response(200, json={"text": " Hello there. "})
        return httpx.Response(404, json={"error": {"message": "no", "type": "t"}})

    page = Page(make(transport=httpx.MockTransport(answer)))
    page.upload("voice", b"a sound", format="webm")
    page.wait(lambda: page.of("heard"))
    assert page.of("heard")[-1]["text"] == "Hello there."
    page.upload("voice", b"noise", format="webm")
    page.wait(lambda: len(page.of("heard")) == 2)
    assert "NotFoundError" in page.of("heard")[-1]["error"]


# --- what is saved ---


def test_the_conversation_is_saved_as_html_and_text(make: Make) -> None:
    """It can be read without the panel; model text stays text; nothing in it is of this run."""
    panel = make(system="<b>be</b>")
    panel.ask("<script>alert(1)</script>\nsecond line")
    bundle = panel._result_bundle()
    html, plain = bundle["text/html"], bundle["text/plain"]
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second line" in html
    assert "&lt;b&gt;be&lt;/b&gt;" in html
    assert plain.startswith("You: <script>alert(1)</script>\nsecond line\n\nAssistant: You said:")
    assert not re.search(r"0x|TTFT", plain)
    assert repr(panel) == "ChatPanel(llama-3.3-70b-versatile, 2 turns)"


def test_other_branches_are_counted_in_what_is_saved(make: Make) -> None:
    """What is not seen is not in it, and that is said."""
    panel = make()
    panel.ask("one")
    panel.edit(1, "uno")
    html = panel._result_bundle()["text/html"]
    assert "You said: uno" in html
    assert "You said: one" not in html
    assert "2 turns on other branches" in html


def test_no_state_of_the_widget_holds_the_key(make: Make) -> None:
    """What is synchronised with the page is small, and free of secrets."""
    panel = make()
    panel.ask("hello")
    state = str({name: panel.get_state()[name] for name in panel.get_state() if name[0] != "_"})
    assert KEY not in state
    assert len(state) < 5_000
