"""What every widget has: options checked, bytes that arrive once and whole, results kept."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets import Int

from groqnb.render.html import el
from groqnb.types.errors import ParameterError
from groqnb.widgets import esm
from groqnb.widgets.base import Widget
from groqnb.widgets.transfer import Uploads


class Sample(Widget):
    """A widget of these tests."""

    asks = frozenset({"double"})
    shows_result = True
    size = Int(3).tag(sync=True, option=True)

    def __init__(self, files: Any = (), **options: Any) -> None:
        super().__init__(**options)
        self.files = files
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self.got: list[tuple[str, bytes, Mapping[str, Any]]] = []
        self.asked = 0

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.append((content, list(buffers or [])))

    def hear(self, content: Any, *buffers: bytes) -> list[dict[str, Any]]:
        """What the widget says to a message of the page."""
        self.sent.clear()
        self._handle_custom_msg(content, [memoryview(each) for each in buffers])
        return [content for content, _ in self.sent]

    def ask(self, what: str, content: Any = None, ask: str = "1") -> list[dict[str, Any]]:
        return self.hear({"kind": "gn-ask", "id": ask, "what": what, "content": content})

    def _ask_double(self, content: Mapping[str, Any]) -> int:
        self.asked += 1
        return 2 * int(content["n"])

    def _received(self, name: str, data: bytes, meta: Mapping[str, Any]) -> Any:
        self.got.append((name, data, meta))
        return {"bytes": len(data)}

    def _result(self) -> Any:
        return [el("p", "<three>")], "three"


def test_an_unknown_option_names_the_nearest() -> None:
    """A keyword that is not one raises, and says which may have been meant."""
    with pytest.raises(
        ParameterError, match=r"no option 'sizes'.*Did you mean 'size'.*files, size"
    ):
        Sample(sizes=4)
    with pytest.raises(ParameterError, match="no option '_gn_key'"):
        Sample(_gn_key="x")
    assert Sample(size=5, files=["a"]).size == 5


def test_its_text_is_the_same_each_time_and_stands_beside_the_view() -> None:
    """One bundle has the widget, HTML for where there is none, and text without an address."""
    bundle, _ = Sample()._repr_mimebundle_()
    assert bundle["text/plain"] == repr(Sample()) == "Sample()"
    assert "run this cell" in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert Sample()._result_bundle()["text/plain"] == "three"
    assert "&lt;three&gt;" in Sample()._result_bundle()["text/html"]


def test_a_question_that_comes_twice_is_answered_twice_and_carried_out_once() -> None:
    """A lost reply is sent again without doing the work again."""
    widget = Sample()
    first = widget.ask("double", {"n": 21})
    assert first == [{"kind": "gn-reply", "id": "1", "value": 42}]
    assert widget.ask("double", {"n": 21}) == first
    assert widget.asked == 1


@pytest.mark.parametrize("what", ["close", "_received", "__class__", "nothing"])
def test_the_page_can_ask_only_what_is_listed(what: str) -> None:
    """No other method of the widget can be reached from the page."""
    (reply,) = Sample().ask(what, {})
    assert "is not asked for" in reply["error"]


def test_what_fails_is_told_to_the_page() -> None:
    """An error in the kernel is the reply, in words; no exception vanishes in a log."""
    (reply,) = Sample().ask("double", {"n": "x"})
    assert reply["error"].startswith("ValueError: invalid literal")
    widget = Sample()
    widget._in_background(lambda: 1 / 0).join()  # type: ignore[func-returns-value, arg-type]
    assert widget.error == "ZeroDivisionError: division by zero"


@given(data=st.binary(max_size=400), seed=st.integers(0, 1000))
def test_bytes_arrive_whole_however_the_connection_behaves(data: bytes, seed: int) -> None:
    """Pieces lost, doubled and sent again from any place give the bytes that were sent."""
    chance, uploads, have = random.Random(seed), Uploads(most=1000), 0
    while have < len(data):
        start = max(0, have - chance.randrange(20)) if chance.random() < 0.7 else have + 7
        piece = data[start : start + chance.randrange(1, 50)]
        if chance.random() < 0.8:  # else it is lost, or its answer is
            have = uploads.add("u", start, piece)
    assert uploads.have("u") == len(data)
    assert uploads.finish("u", len(data)) == data
    assert uploads.have("u") == 0


def test_an_upload_is_received_once_and_asked_for_where_it_has_gaps() -> None:
    """The end of an upload names what is missing; only a whole one is received."""
    widget = Sample()
    assert widget.hear({"kind": "gn-piece", "id": "u", "offset": 0}, b"abc") == [
        {"kind": "gn-ack", "id": "u", "next": 3}
    ]
    end = {"upload": "u", "name": "audio", "size": 5, "meta": {"mime": "x"}}
    (reply,) = widget.ask("gn-finish", end, ask="2")
    assert reply["value"] == {"missing": 3}
    widget.hear({"kind": "gn-piece", "id": "u", "offset": 3}, b"de")
    (reply,) = widget.ask("gn-finish", end, ask="3")
    assert reply["value"] == {"value": {"bytes": 5}}
    assert widget.ask("gn-finish", end, ask="3") == [reply]
    assert widget.got == [("audio", b"abcde", {"mime": "x"})]


def test_an_upload_that_grows_too_large_is_refused_and_forgotten() -> None:
    """Past the widget's limit the page is told what to do, and the memory is free."""
    widget = Sample()
    widget._uploads.most = 4
    (reply,) = widget.hear({"kind": "gn-piece", "id": "u", "offset": 0}, b"abcde")
    assert reply["kind"] == "gn-refused"
    assert "cannot be sent at once" in reply["error"]
    assert widget._uploads.have("u") == 0


def test_what_is_offered_is_fetched_in_pieces() -> None:
    """The page gets large bytes in messages of at most 512 KiB, in order."""
    widget, data = Sample(), random.Random(1).randbytes(1_200_000)
    widget._offer("sound", data, "audio/wav", seconds=2)
    got = b""
    while len(got) < len(data):
        (reply,) = widget.ask("gn-get", {"name": "sound", "from": len(got)})
        assert reply["value"]["size"] == len(data)
        assert reply["value"]["seconds"] == 2
        ((_, (piece,)),) = widget.sent
        assert len(piece) <= 512 * 1024
        got += piece
    assert got == data
    widget._offer("sound", None)
    assert widget.ask("gn-get", {"name": "sound", "from": 0})[0]["value"] is None


WIDGETS = [
    path for path in sorted(esm.STATIC.glob("*.js")) if "\nexport default" in path.read_text()
]


def test_shared_names_are_kept_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module gets the names that it imports, and no other name of another file."""
    (tmp_path / "low.js").write_text("const n = 1;\nexport const low = () => n;\n")
    (tmp_path / "top.js").write_text(
        'import { low as deep } from "./low.js";\nconst n = 2;\nexport default { n: n + deep() };\n'
    )
    monkeypatch.setattr(esm, "STATIC", tmp_path)
    assert esm.modules("top") == ["low", "top"]
    source = esm.script.__wrapped__("top")
    assert "const { low: deep } = $$low;" in source
    assert "return { low };" in source
    assert "export const" not in source
    (tmp_path / "top.js").write_text('import x from "./low.js";\n')
    with pytest.raises(ValueError, match="cannot be placed: import x"):
        esm.script.__wrapped__("top")


@pytest.mark.parametrize("path", WIDGETS, ids=lambda path: path.stem)
def test_every_script_is_one_module_without_imports(path: Any) -> None:
    """What a notebook gets needs no other file and asks no other machine."""
    source = esm.script(path.stem)
    assert not re.search(r"^\s*import\b(?!\()", source, re.MULTILINE)
    assert not re.search(r"https?://(?!127\.0\.0\.1|www\.w3\.org)\w", source)
    assert not re.search(r"@import|url\(", esm.style(path.stem))
