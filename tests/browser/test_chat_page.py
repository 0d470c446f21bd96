"""The chat panel's script in an empty page: what people do, and what they see; no kernel."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from groqnb.render.growing import Growing
from groqnb.types.answer import Answer

from .barriers import barriers
from .blank_page import BlankPage, BlankPages

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

STATE = {"model": "m", "system": None, "models": ["m", "n"], "draft": "", "error": ""}
IDLE = {"path": [], "busy": False, "status": "", "totals": "", "live": None, "attached": []}


def question(id: int, text: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "role": "user", "text": text, "failure": "", "images": [], **more}


def answer(id: int, text: str, **more: Any) -> dict[str, Any]:
    slots = {"text": f"<p>{text}</p>", "foot": "<div>foot</div>"}
    body = {"id": id, "role": "assistant", "text": text, "failure": ""}
    return {**body, "slots": slots, "calls": [], **more}


def place(id: int, beside: list[int] | None = None, runs: bool = False) -> dict[str, Any]:
    return {"id": id, "beside": beside or [id], "runs": runs}


class Chat:
    """A panel in a page, and the kernel that the test plays."""

    def __init__(self, opened: BlankPage) -> None:
        self.opened = opened
        self.page = opened.page
        self.box = self.page.get_by_label("Your question")
        self._number = 1

    def tell(self, *path: dict[str, Any], bodies: Any = (), **more: Any) -> None:
        self._number += 1
        told = {**IDLE, "path": list(path), "bodies": list(bodies), "number": self._number}
        self.opened.say({"kind": "chat", **told, **more})

    def say(self, kind: str, **content: Any) -> None:
        self._number += 1
        self.opened.say({"kind": kind, "number": self._number, **content})

    def begin(self, text: str = "Hello") -> None:
        """A question is on its way."""
        self.tell(place(1), bodies=[question(1, text)], busy=True, status="asking m…")


@pytest.fixture
def chat(blank_page: BlankPages) -> Callable[..., Chat]:
    """Open a panel."""

    def opened(hello: dict[str, Any] | None = None, turns: Any = (), **options: Any) -> Chat:
        answers = {"hello": {**IDLE, "number": 1, **(hello or {})}, "turns": list(turns)}
        page = blank_page("chat_panel", STATE, answers, **options)
        page.page.wait_for_function("document.querySelector('.gw-chat-live')")
        return Chat(page)

    return opened


def test_enter_sends_and_the_box_is_empty_when_the_kernel_has_it(
    chat: Callable[..., Chat],
) -> None:
    """Shift+Enter makes a new line."""
    panel = chat()
    panel.box.fill("one")
    panel.box.press("Shift+Enter")
    panel.page.keyboard.type("two")
    panel.box.press("Enter")
    assert panel.opened.wait_asked("send") == {"text": "one\ntwo", "images": []}
    expect(panel.box).to_have_value("")


def test_a_refused_question_stays_in_the_box(chat: Callable[..., Chat]) -> None:
    """The reason is shown, and the text can be mended and sent again."""
    panel = chat()
    panel.page.evaluate("fake.silent(true)")
    panel.box.fill("again")
    panel.box.press("Enter")
    panel.opened.wait_asked("send")
    asked = [each for each in panel.opened.sent("gn-ask") if each["what"] == "send"][-1]
    panel.opened.say({"kind": "gn-reply", "id": asked["id"], "error": "m takes no images."})
    expect(panel.page.get_by_role("alert")).to_have_text("m takes no images.")
    expect(panel.box).to_have_value("again")
    expect(panel.opened.button("Send")).to_be_enabled()


def test_an_answer_grows_and_becomes_a_turn(chat: Callable[..., Chat]) -> None:
    """Status, then words as they come, then the answer with its footer; Stop while it comes."""
    panel = chat()
    panel.begin()
    live = panel.page.locator(".gw-chat-assistant")
    expect(live).to_contain_text("asking m…")
    expect(panel.opened.button("Stop")).to_be_visible()
    growing = Growing()
    for end in (3, 20, 60, 74):
        text = "# Title\n\nA **bold** word.\n\nAnother paragraph.\n\n- one\n- two\n\nThe last."
        panel.say("grow", parts=growing.changes(Answer(text=text[:end], reasoning="hm"[:end])))
    expect(live.locator("h1")).to_have_text("Title")
    expect(live.locator("li")).to_have_count(2)
    expect(live).not_to_contain_text("asking")
    live.locator("summary").click()
    panel.opened.button("Stop").click()
    panel.opened.wait_asked("stop")
    done = answer(2, "Done.")
    done["slots"]["think"] = "<p>hm</p>"
    panel.tell(place(1), place(2), bodies=[done], totals="1 answer")
    expect(live).to_contain_text("Done.")
    expect(live.locator("details")).to_have_attribute("open", "")
    expect(panel.page.locator(".gw-chat-totals")).to_have_text("1 answer")
    expect(panel.opened.button("Send")).to_be_visible()
    expect(panel.page.get_by_role("status")).to_have_text("The answer has ended.")


def test_one_write_a_frame_however_much_comes(chat: Callable[..., Chat]) -> None:
    """A hundred messages at once are written together, and none is lost."""
    panel = chat()
    panel.begin()
    expect(panel.page.locator(".gw-chat-assistant")).to_be_visible()
    writes = panel.page.evaluate(
        """async () => {
          const box = document.querySelector('.gw-answer-text');
          let writes = 0;
          const watcher = new MutationObserver(() => writes++);
          watcher.observe(box, { childList: true, subtree: true });
          for (let i = 0; i < 100; i++)
            fake.say({ kind: 'grow', number: 100 + i,
              parts: { text: { add: `<p>${i}</p>`, tail: '' } } });
          await new Promise((done) => setTimeout(done, 0));
          await new Promise(requestAnimationFrame);
          await new Promise(requestAnimationFrame);
          return [writes, box.querySelectorAll('p').length];
        }"""
    )
    assert writes[1] == 100
    assert writes[0] < 20


def test_branches_are_gone_through_by_buttons(chat: Callable[..., Chat]) -> None:
    """They say which of how many is seen, and ask for the one before or after."""
    panel = chat()
    bodies = [question(1, "Hello"), answer(4, "Third")]
    panel.tell(place(1), place(4, [2, 3, 4]), bodies=bodies)
    expect(panel.page.locator(".gw-chat-place")).to_have_text("3/3")
    expect(panel.opened.button("Later answer")).to_be_disabled()
    panel.opened.button("Earlier answer").click()
    assert panel.opened.wait_asked("choose") == {"id": 3}
    panel.opened.page.evaluate("body => (fake.answers.turns = [body])", answer(3, "Second"))
    panel.tell(place(1), place(3, [2, 3, 4]))
    expect(panel.page.locator(".gw-chat-assistant")).to_contain_text("Second")
    expect(panel.page.locator(".gw-chat-place")).to_have_text("2/3")
    panel.opened.button("Ask for another answer").click()
    assert panel.opened.wait_asked("again") == {"id": 3}


def test_a_question_is_edited_in_its_place(chat: Callable[..., Chat]) -> None:
    """Escape leaves it as it was, with the keyboard where it was; Enter asks the new one."""
    panel = chat()
    panel.tell(place(1), place(2), bodies=[question(1, "Hello"), answer(2, "Hi")])
    edit = panel.opened.button("Edit this question and ask it again")
    edit.click()
    area = panel.page.get_by_label("The question", exact=True)
    area.fill("Bye")
    area.press("Escape")
    expect(panel.page.locator(".gw-chat-user")).to_contain_text("Hello")
    expect(edit).to_be_focused()
    edit.press("Enter")
    area.fill("Bye")
    area.press("Enter")
    assert panel.opened.wait_asked("edit") == {"id": 1, "text": "Bye"}


def test_escape_ends_the_editing_and_not_an_answer_that_came_up_meanwhile(
    chat: Callable[..., Chat],
) -> None:
    """Python may ask while a person writes: the box keeps its text and the focus."""
    panel = chat()
    path = [place(1), place(2), place(3)]
    panel.tell(*path[:2], bodies=[question(1, "Hello"), answer(2, "Hi")])
    panel.opened.button("Edit this question and ask it again").click()
    area = panel.page.get_by_label("The question", exact=True)
    area.fill("Bye")
    panel.tell(*path, bodies=[question(3, "From a cell")], busy=True)
    expect(panel.opened.button("Stop")).to_be_visible()
    expect(area).to_be_focused()
    panel.page.keyboard.press("Escape")
    expect(area).to_have_count(0)
    assert panel.opened.asked("stop") == []
    panel.box.press("Escape")
    panel.opened.wait_asked("stop")


def test_what_a_person_writes_stays_when_the_question_is_asked_again(
    chat: Callable[..., Chat],
) -> None:
    """Python asks it anew while it is edited on the page."""
    panel = chat()
    panel.tell(place(1), place(2), bodies=[question(1, "Hello"), answer(2, "Hi")])
    edit = panel.opened.button("Edit this question and ask it again")
    edit.click()
    area = panel.page.get_by_label("The question", exact=True)
    area.fill("Bye")
    panel.tell(place(1), bodies=[question(1, "Hello")], busy=True)
    panel.tell(place(1), bodies=[question(1, "Hello", failure="RateLimitError")])
    expect(panel.page.locator(".gw-chat-user")).to_contain_text("RateLimitError")
    edit.click()
    expect(area).to_have_value("Bye")
    area.press("Enter")
    assert panel.opened.wait_asked("edit") == {"id": 1, "text": "Bye"}
    expect(panel.page.locator(".gw-chat-user")).to_contain_text("Hello")


def test_a_stop_that_the_kernel_did_not_take_can_be_asked_again(chat: Callable[..., Chat]) -> None:
    panel = chat()
    panel.begin()
    panel.page.evaluate("fake.silent(true)")
    stop = panel.opened.button("Stop")
    stop.click()
    panel.opened.wait_asked("stop")
    asked = panel.opened.sent("gn-ask")[-1]
    panel.opened.say({"kind": "gn-reply", "id": asked["id"], "error": "Not now."})
    expect(panel.page.get_by_role("alert")).to_have_text("Not now.")
    expect(stop).to_be_enabled()


def test_two_clicks_ask_once(chat: Callable[..., Chat]) -> None:
    """Nobody is told of an answer on its way that the first click has asked for."""
    panel = chat()
    panel.tell(place(1), place(2), bodies=[question(1, "Why?"), answer(2, "So.")])
    panel.opened.button("Ask for another answer").dblclick()
    panel.opened.wait_asked("again")
    panel.opened.button("Edit this question and ask it again").click()
    area = panel.page.get_by_label("The question", exact=True)
    area.evaluate(
        """(area) => { for (let i = 0; i < 2; i++)
          area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })) }"""
    )
    panel.opened.wait_asked("edit")
    expect(area).to_have_count(0)
    assert len(panel.opened.asked("again")) == len(panel.opened.asked("edit")) == 1
    expect(panel.page.get_by_role("alert")).to_be_hidden()


def test_a_failure_is_told_with_a_way_on(chat: Callable[..., Chat]) -> None:
    """What went wrong stands under the question, and "Try again" asks it again."""
    panel = chat()
    panel.tell(place(1), bodies=[question(1, "Hello", failure="RateLimitError: wait 7 s.")])
    expect(panel.page.locator(".gw-chat-user")).to_contain_text("wait 7 s")
    panel.opened.page.get_by_text("Try again").click()
    assert panel.opened.wait_asked("again") == {"id": 1}


def test_results_of_tools_are_given_by_hand(chat: Callable[..., Chat]) -> None:
    """A box for each call; functions of the notebook can be run instead."""
    panel = chat()
    calls = [{"id": "a", "name": "weather"}, {"id": "b", "name": "time"}]
    bodies = [question(1, "Hello"), answer(2, "", calls=calls)]
    panel.tell(place(1), place(2), bodies=bodies)
    panel.page.get_by_label("Result of weather").fill("sun")
    panel.page.get_by_label("Result of time").fill("noon")
    expect(panel.opened.button("Run")).to_be_hidden()
    panel.opened.button("Give results").click()
    assert panel.opened.wait_asked("give") == {"id": 2, "results": {"a": "sun", "b": "noon"}}
    panel.tell(place(1), place(2, runs=True), bodies=[])
    panel.tell(place(1), bodies=[])
    panel.tell(place(1), place(5, runs=True), bodies=[answer(5, "", calls=calls)])
    panel.opened.button("Run").click()
    assert panel.opened.wait_asked("run") == {"id": 5}


def test_text_of_people_is_never_html(chat: Callable[..., Chat]) -> None:
    """A question with tags in it is shown as it was typed."""
    panel = chat()
    hostile = '<img src=x onerror="window.hacked=1"><b>b</b>'
    panel.tell(place(1), bodies=[question(1, hostile, failure=hostile)])
    expect(panel.page.locator(".gw-chat-text")).to_have_text(hostile)
    expect(panel.page.locator(".gw-chat-failure")).to_have_text(hostile)
    assert panel.page.evaluate("window.hacked") is None


def test_images_come_by_choice_paste_and_drop(chat: Callable[..., Chat], tmp_path: Path) -> None:
    """They are uploaded byte for byte where they fit, shown small, sent by name, and removable."""
    panel = chat()
    panel.page.evaluate(
        """() => { let n = 0;
          fake.answers['gn-finish'] = () => ({ id: `image-${++n}`, facts: 'PNG, 4 × 3' }) }"""
    )
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    (tmp_path / "red.png").write_bytes(file.getvalue())
    panel.page.locator("input[type=file]").set_input_files(tmp_path / "red.png")
    shown = panel.page.locator(".gw-attach-image")
    expect(shown).to_have_count(1)
    give = """([target, type, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'given.png', { type: 'image/png' }));
      const options = { bubbles: true, cancelable: true };
      const event = type === 'paste'
        ? new ClipboardEvent('paste', { ...options, clipboardData: data })
        : new DragEvent('drop', { ...options, dataTransfer: data });
      document.querySelector(target).dispatchEvent(event);
    }"""
    bytes_ = list(file.getvalue())
    panel.page.evaluate(give, [".gw-chat-text-in", "paste", bytes_])
    expect(shown).to_have_count(2)
    panel.page.evaluate(give, [".gw-chat-log", "drop", bytes_])
    expect(shown).to_have_count(3)
    assert panel.opened.uploaded() == [file.getvalue()] * 3
    panel.opened.button("Remove red.png").click()
    assert panel.opened.wait_asked("detach") == {"id": "image-1"}
    panel.box.fill("What is it?")
    panel.box.press("Enter")
    sent = {"text": "What is it?", "images": ["image-2", "image-3"]}
    assert panel.opened.wait_asked("send") == sent
    expect(shown).to_have_count(0)
    panel.page.evaluate(give, [".gw-chat-text-in", "paste", [1, 2, 3]])
    expect(panel.page.get_by_role("alert")).to_contain_text("not an image")


def test_a_question_waits_for_an_image_that_is_still_on_its_way(
    chat: Callable[..., Chat], tmp_path: Path
) -> None:
    """It goes along; what is added while the kernel thinks stays for the next question."""
    panel = chat()
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    Image.new("RGB", (40, 30), "blue").save(tmp_path / "blue.png")
    panel.page.evaluate(
        """() => { let n = 0;
          fake.answers['gn-finish'] = () => ({ id: `image-${++n}`, facts: 'PNG, 4 × 3' });
          fake.silent(true) }"""
    )
    files, shown = panel.page.locator("input[type=file]"), panel.page.locator(".gw-attach-image")
    files.set_input_files(tmp_path / "red.png")
    panel.page.wait_for_function("fake.sent.some(({ kind }) => kind === 'gn-piece')")
    panel.box.fill("What is it?")
    panel.box.press("Enter")
    assert panel.opened.asked("send") == []
    # The page asks again for what was not answered, some seconds later.
    panel.page.evaluate("fake.silent(false)")
    sent = {"text": "What is it?", "images": ["image-1"]}
    assert panel.opened.wait_asked("send") == sent
    expect(shown).to_have_count(0)
    panel.page.evaluate("fake.silent(true)")
    files.set_input_files(tmp_path / "red.png")
    uploads = "new Set(fake.sent.filter(({ kind }) => kind === 'gn-piece').map(({ id }) => id))"
    panel.page.wait_for_function(f"{uploads}.size === 2")
    pieces = panel.opened.sent("gn-piece")
    panel.box.fill("And this?")
    panel.box.press("Enter")
    panel.opened.say({"kind": "gn-refused", "id": pieces[-1]["id"], "error": "Too large."})
    expect(panel.page.get_by_role("alert")).to_contain_text("Too large.")
    assert len(panel.opened.asked("send")) == 1
    panel.page.evaluate("fake.silent(false)")
    panel.box.press("Enter")
    panel.opened.wait_asked("send", 2)
    panel.page.evaluate("fake.silent(true)")
    panel.box.fill("Third")
    panel.box.press("Enter")
    panel.opened.wait_asked("send", 3)
    panel.page.evaluate(
        """() => { const reply = fake.sent.filter(({ what }) => what === 'send').at(-1).id;
          fake.silent(false);
          window.reply = () => fake.say({ kind: 'gn-reply', id: reply, value: null }) }"""
    )
    files.set_input_files(tmp_path / "blue.png")
    expect(shown).to_have_count(1)
    panel.page.evaluate("reply()")
    expect(panel.box).to_have_value("")
    expect(shown).to_have_count(1)


def test_a_question_is_spoken(chat: Callable[..., Chat]) -> None:
    """The recording is uploaded when Done is pressed, and what was heard is put into the box."""
    panel = chat(permissions=["microphone"])
    panel.box.fill("I ask:")
    panel.opened.button("Speak the question").click()
    expect(panel.page.get_by_role("status")).to_contain_text("Listening")
    panel.page.wait_for_timeout(300)  # so that there is something to hear
    panel.opened.button("Speak the question").click()
    panel.page.wait_for_function("fake.asked('gn-finish').length === 1")
    [sound] = panel.opened.uploaded()
    assert len(sound) > 500
    panel.opened.say({"kind": "heard", "text": "hello there"})
    expect(panel.box).to_have_value("I ask: hello there")
    expect(panel.page.get_by_role("status")).to_have_text("")


def test_a_double_click_on_done_sends_what_was_said_once(chat: Callable[..., Chat]) -> None:
    panel = chat(permissions=["microphone"])
    speak = panel.opened.button("Speak the question")
    speak.click()
    expect(panel.page.get_by_role("status")).to_contain_text("Listening")
    panel.page.wait_for_timeout(300)  # so that there is something to hear
    speak.dblclick()
    panel.page.wait_for_function("fake.asked('gn-finish').length > 0")
    panel.page.wait_for_timeout(300)
    assert len(panel.opened.asked("gn-finish")) == 1
    expect(speak).to_have_text("Speak")


def test_a_recording_goes_on_when_the_one_before_could_not_be_sent(
    chat: Callable[..., Chat],
) -> None:
    """The button says what it does: the second recording is ended by Done."""
    panel = chat(permissions=["microphone"])
    speak, status = panel.opened.button("Speak the question"), panel.page.get_by_role("status")
    speak.click()
    expect(status).to_contain_text("Listening")
    panel.page.wait_for_timeout(300)
    panel.page.evaluate("fake.silent(true)")
    speak.click()
    panel.page.wait_for_function("fake.sent.some(({ kind }) => kind === 'gn-piece')")
    speak.click()
    expect(status).to_contain_text("Listening")
    [piece] = panel.opened.sent("gn-piece")
    panel.opened.say({"kind": "gn-refused", "id": piece["id"], "error": "Too large."})
    expect(panel.page.get_by_role("alert")).to_have_text("Too large.")
    expect(speak).to_have_text("Done")


def test_what_was_heard_takes_the_focus_from_no_other_box(chat: Callable[..., Chat]) -> None:
    """Whoever went on in a cell writes on there."""
    panel = chat()
    panel.page.evaluate(
        """() => {
          const cell = document.createElement('textarea');
          document.body.append(cell);
          cell.focus();
        }"""
    )
    panel.opened.say({"kind": "heard", "text": "hello"})
    expect(panel.box).to_have_value("hello")
    expect(panel.page.locator("body > textarea")).to_be_focused()
    panel.opened.button("Speak the question").focus()
    panel.opened.say({"kind": "heard", "text": "there"})
    expect(panel.box).to_have_value("hello there")
    expect(panel.box).to_be_focused()


def test_the_box_keeps_its_rows_where_it_is_not_laid_out(chat: Callable[..., Chat]) -> None:
    """Lab keeps a cell that is far from the view out of the page, where nothing has a height."""
    panel = chat()
    panel.page.evaluate("document.body.style.display = 'none'")
    panel.opened.say({"kind": "heard", "text": "hello"})
    expect(panel.box).to_have_value("hello")
    panel.page.evaluate("document.body.style.display = ''")
    box = panel.box.bounding_box()
    assert box is not None
    assert box["height"] > 30, "two rows of text"


def test_a_refused_microphone_is_told(chat: Callable[..., Chat]) -> None:
    """What to do is said, and the button is as before."""
    panel = chat(permissions=[])
    panel.page.evaluate(
        """() => (navigator.mediaDevices.getUserMedia =
          () => Promise.reject(new DOMException('no', 'NotAllowedError')))"""
    )
    panel.opened.button("Speak the question").click()
    expect(panel.page.get_by_role("alert")).to_contain_text("press Speak again")
    expect(panel.opened.button("Speak the question")).to_have_text("Speak")


def test_a_page_that_opens_late_shows_all_that_has_come(chat: Callable[..., Chat]) -> None:
    """What the kernel has, and what came of the answer so far; older messages change nothing."""
    growing = Growing()
    growing.changes(Answer(text="It begins. "))
    hello = {"number": 50, "path": [place(1)], "busy": True, "live": growing.so_far()}
    attached = [{"id": "image-7", "facts": "PNG, 4 × 3"}]
    panel = chat({**hello, "attached": attached}, turns=[question(1, "Hello")])
    expect(panel.page.locator(".gw-chat-user")).to_contain_text("Hello")
    expect(panel.page.locator(".gw-attach-image")).to_contain_text("PNG, 4 × 3")
    panel.tell()  # older than what the page knows
    panel._number = 60
    panel.say("grow", parts=growing.changes(Answer(text="It begins. And goes on.")))
    expect(panel.page.locator(".gw-chat-assistant")).to_contain_text("It begins. And goes on.")
    expect(panel.page.locator(".gw-chat-turn")).to_have_count(2)


def test_words_that_come_while_older_turns_are_fetched_are_seen(
    chat: Callable[..., Chat],
) -> None:
    """Python chooses a branch that the page has not seen, and asks at once."""
    panel = chat()
    panel.page.evaluate("fake.silent(true)")
    path = [place(1), place(3), place(4)]
    panel.tell(*path[:2])
    panel.tell(*path, bodies=[question(4, "More?")], busy=True, status="asking m…")
    panel.opened.wait_asked("turns", 2)
    panel.say("grow", parts={"text": {"set": "<h1>First</h1>", "tail": "<p>Sec</p>"}})
    turns = [question(1, "Hello"), answer(3, "Hi")]
    for asked in panel.opened.sent("gn-ask"):
        panel.opened.say({"kind": "gn-reply", "id": asked["id"], "value": turns})
    shown = panel.page.locator(".gw-chat-assistant")
    expect(shown).to_have_count(2)
    expect(shown.first).to_contain_text("Hi")
    panel.say("grow", parts={"text": {"add": "<p>Second.</p>", "tail": "<p>Third.</p>"}})
    expect(shown.last).to_contain_text("First Second. Third.", use_inner_text=True)
    expect(shown.last).not_to_contain_text("asking")
    panel.tell(*path, place(5), bodies=[answer(5, "Done.")])
    expect(shown.last).to_contain_text("Done.")
    expect(shown).to_have_count(2)


def test_what_is_fetched_takes_the_place_of_nothing_newer(chat: Callable[..., Chat]) -> None:
    """A turn that was asked for may have changed before its body comes."""
    panel = chat()
    panel.page.evaluate("fake.silent(true)")
    panel.tell(place(1))
    panel.opened.wait_asked("turns")
    panel.tell(place(1), bodies=[question(1, "Hello")], busy=True)
    [asked] = [each for each in panel.opened.sent("gn-ask") if each["what"] == "turns"]
    old = [question(1, "Hello", failure="RateLimitError")]
    panel.opened.say({"kind": "gn-reply", "id": asked["id"], "value": old})
    panel.say("status", text="thinking")
    expect(panel.page.locator(".gw-chat-assistant")).to_contain_text("thinking")
    expect(panel.page.locator(".gw-chat-failure").first).to_be_hidden()


def test_an_image_that_was_added_before_the_kernel_was_heard_goes_along(
    chat: Callable[..., Chat], tmp_path: Path
) -> None:
    """The view is made anew while the kernel is slow to say what there is."""
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    panel = chat()
    panel.page.evaluate(
        """async () => {
          fake.close();
          fake.silent(true);
          await fake.mount('chat_panel', {});
          fake.silent(false);
          fake.answers['gn-finish'] = { id: 'image-2', facts: 'PNG, 4 × 3' };
        }"""
    )
    hello = [each for each in panel.opened.sent("gn-ask") if each["what"] == "hello"][-1]
    panel.page.locator("input[type=file]").set_input_files(tmp_path / "red.png")
    shown = panel.page.locator(".gw-attach-image")
    expect(shown).to_have_count(1)
    kept = [{"id": "image-1", "facts": "PNG, 8 × 6"}]
    value = {**IDLE, "number": 1, "attached": kept}
    panel.opened.say({"kind": "gn-reply", "id": hello["id"], "value": value})
    expect(shown).to_have_count(2)
    panel.box.fill("What is it?")
    panel.box.press("Enter")
    sent = {"text": "What is it?", "images": ["image-1", "image-2"]}
    assert panel.opened.wait_asked("send") == sent


def test_no_barriers(chat: Callable[..., Chat]) -> None:
    """axe finds nothing to say of a panel with all of its parts."""
    panel = chat()
    calls = [{"id": "a", "name": "weather"}]
    bodies = [question(1, "Hello", failure="No."), answer(3, "Hi", calls=calls)]
    panel.tell(place(1), place(3, [2, 3]), bodies=bodies, totals="1 answer")
    expect(panel.page.get_by_label("Result of weather")).to_be_visible()
    assert barriers(panel.page, ".gw-chat") == []
