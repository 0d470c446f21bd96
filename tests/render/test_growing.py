"""What a widget is sent of a growing answer adds up to the answer as it is shown elsewhere."""

from __future__ import annotations

from groqnb.render.growing import Growing, finished
from groqnb.types.answer import Answer
from groqnb.types.chat import ExecutedTool

TEXT = """# Title

A paragraph with **bold** text, `code` and a [link](https://example.org).

- one
- two

```python
for i in range(3):
    print(i)
```

| a | b |
|---|---|
| 1 | 2 |

The end.
"""


class Page:
    """Does what the script of a page does with changes."""

    def __init__(self) -> None:
        self.closed: dict[str, str] = {}
        self.tail: dict[str, str] = {}

    def apply(self, changes: dict[str, dict[str, str]]) -> None:
        for name, change in changes.items():
            if "set" in change:
                self.closed[name] = change["set"]
            else:
                self.closed[name] = self.closed.get(name, "") + change["add"]
            self.tail[name] = change.get("tail", "")

    def html(self, name: str) -> str:
        return self.closed.get(name, "") + self.tail.get(name, "")


def grown(text: str, step: int) -> tuple[Growing, Page, list[int]]:
    growing, page, sizes = Growing(), Page(), []
    for end in [*range(step, len(text), step), len(text)]:
        changes = growing.changes(Answer(text=text[:end], reasoning=text[: end // 2]))
        sizes.append(sum(len(part) for change in changes.values() for part in change.values()))
        page.apply(changes)
    return growing, page, sizes


def test_changes_add_up_to_the_answer() -> None:
    """After every character the page shows the same HTML as one that is painted whole."""
    from groqnb.render.markdown import MarkdownView

    for step in (1, 7, 50):
        _, page, _ = grown(TEXT * 3, step)
        assert page.html("text") == MarkdownView().update(TEXT * 3)


def test_who_comes_late_sees_the_same() -> None:
    """A page opened in the middle gets what there is, and goes on with the next changes."""
    growing, page, _ = grown(TEXT * 3, 7)
    late = Page()
    late.apply(growing.so_far())
    assert late.html("text") == page.html("text")
    changes = growing.changes(Answer(text=TEXT * 4, reasoning=TEXT))
    for each in (late, page):
        each.apply(changes)
    assert late.html("text") == page.html("text")
    assert late.html("think") == page.html("think")


def test_a_long_answer_is_not_sent_again_and_again() -> None:
    """What is sent for one more word does not grow with the text before it."""
    _, _, sizes = grown(TEXT * 60, 40)
    assert max(sizes[-20:]) < 5 * max(sizes[:20])


def test_what_did_not_change_is_not_sent() -> None:
    """An unchanged answer has no changes; a tool that has run by now is one."""
    growing = Growing()
    answer = Answer(text="Hello")
    growing.changes(answer)
    assert growing.changes(answer) == {}
    tool = ExecutedTool(index=0, type="search", arguments='{"query": "x"}')
    assert list(growing.changes(Answer(text="Hello", executed_tools=[tool]))) == ["tools"]  # type: ignore[arg-type]


def test_a_finished_answer_has_its_footer_and_its_colours() -> None:
    """The last message holds every part whole."""
    slots = finished(Answer(text=TEXT, reasoning="hm", where="local", model_answered="m"))
    assert "local engine" in slots["foot"]
    assert 'class="k"' in slots["text"]
    assert "hm" in slots["think"]
    assert "tools" not in slots
