"""The image picker without a page: what Python puts in, what the page sends, what is kept."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import outputs, run, usage_error
from PIL import Image
from test_widget_base import Sample

import groqnb
from groqnb.images import MOST_BYTES, to_parts
from groqnb.local.image_header import header
from groqnb.types.errors import ParameterError
from groqnb.widgets.image_picker import ImageComing


def encoded(colour: str = "red", size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


class Picker(groqnb.ImagePicker):
    """A picker whose page is the test; what it says is kept instead of sent."""

    hear, ask = Sample.hear, Sample.ask

    def __init__(self, *given: Any, **options: Any) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        super().__init__(*given, **options)

    send = Sample.send

    def upload(self, data: bytes, what: str = "image", **meta: Any) -> Mapping[str, Any]:
        """What the page does with one file; the reply."""
        self.hear({"kind": "gn-piece", "id": meta["id"], "offset": 0}, data)
        content = {"upload": meta["id"], "name": what, "size": len(data), "meta": meta}
        (reply,) = self.ask("gn-finish", content, ask=f"{what}{meta['id']}{len(data)}")
        return reply


@pytest.fixture(scope="module")
def noise() -> np.ndarray[Any, Any]:
    """Pixels that no codec makes small: 6 MB of them."""
    return np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)


@pytest.fixture
def site() -> Iterator[str]:
    """A web server with an image, a page, and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"/a%20map.png?x=1": encoded("blue"), "/page": b"<!doctype html><p>hi"}
            body = found.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# --- from Python ---


def test_what_a_notebook_has_at_hand_is_picked_in_order(tmp_path: Path) -> None:
    """A path, bytes, a Pillow image, an array, a figure; small ones stay as they are."""
    from matplotlib.figure import Figure

    path = tmp_path / "shop.png"
    path.write_bytes(encoded())
    pillow, array = Image.new("L", (5, 4)), np.zeros((3, 2, 3))
    pick = groqnb.ImagePicker([path, str(path), path.read_bytes(), pillow, [array]])
    assert pick.value[:3] == [path.read_bytes()] * 3
    assert pick.names == ["shop.png", "shop.png", "image 3", "image 4", "image 5"]
    sizes = [(h.width, h.height) for h in map(header, pick.value) if h]
    assert sizes == [(40, 30)] * 3 + [(5, 4), (2, 3)]
    assert groqnb.ImagePicker(Figure(figsize=(1, 1))).value[0].startswith(b"\x89PNG")
    assert groqnb.ImagePicker(pick).value == pick.value


def test_its_parts_are_those_of_a_message(tmp_path: Path) -> None:
    pick = groqnb.ImagePicker([encoded("red"), encoded("blue", kind="JPEG")])
    kinds = [part["image_url"]["url"][:16] for part in pick.to_parts()]
    assert kinds == ["data:image/png;b", "data:image/jpeg;"]
    assert pick.to_parts() == to_parts(pick)
    assert groqnb.ImagePicker().to_parts() == []


def test_large_images_share_what_a_request_holds(noise: Any) -> None:
    """All together fit, the small one untouched; taking one away gives its room to the other."""
    small = encoded()
    pick = groqnb.ImagePicker([noise, small, noise])
    assert pick.value[1] == small
    assert sum(map(len, pick.value)) <= MOST_BYTES
    first = pick.items[0]
    assert (first["kind"], first["before"]["width"], first["before"]["height"]) == (
        "JPEG",
        1600,
        1200,
    )
    assert pick.originals[1] == small
    shared = len(pick.value[0])
    pick.remove(2)
    assert len(pick.value[0]) > 1.3 * shared
    found = header(pick.originals[0] or b"")
    assert found is not None
    assert (found.kind, found.width) == ("PNG", 1600)


def test_order_is_changed_from_python() -> None:
    pick = groqnb.ImagePicker([encoded(), encoded("blue"), encoded("green")])
    red, blue, green = pick.value
    pick.move(0, 2)
    assert pick.value == [blue, green, red]
    pick.move(-1, 0)
    assert pick.value == [red, blue, green]
    pick.remove(-1)
    assert pick.value == [red, blue]
    with pytest.raises(IndexError):
        pick.remove(2)
    pick.clear()
    assert pick.value == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image": []}, "Did you mean 'images'"),
        ({"most": 6}, "1 to 5 images"),
        ({"most": 0}, "1 to 5 images"),
        ({"most": True}, "1 to 5 images"),
        ({"images": "no such file.png"}, "there is no file"),
        ({"images": b"%PDF-1.7"}, "no image"),
        ({"images": [encoded()] * 3, "most": 2}, "At most 2 images are taken; these would be 3"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        groqnb.ImagePicker(**options)


def test_what_fails_to_be_added_changes_nothing() -> None:
    pick = groqnb.ImagePicker([encoded()])
    before = pick.value
    with pytest.raises(ParameterError):
        pick.add(encoded("blue"), b"no image")
    assert pick.value == before


def test_an_address_is_fetched_and_what_is_no_image_is_told(site: str) -> None:
    pick = groqnb.ImagePicker(f"{site}/a%20map.png?x=1")
    assert (pick.value, pick.names) == ([encoded("blue")], ["a map.png"])
    with pytest.raises(ParameterError, match="answered with status 404"):
        pick.add(f"{site}/none.png")
    with pytest.raises(ParameterError, match="is a page, not an image"):
        pick.add(f"{site}/page")
    with pytest.raises(ParameterError, match=r"cannot be fetched: .* copy there and paste"):
        pick.add("http://127.0.0.1:1/a.png")


# --- from the page ---


def test_the_page_uploads_reorders_removes_and_takes_back() -> None:
    pick = Picker()
    for key, colour in {"a": "red", "b": "blue", "c": "green"}.items():
        reply = pick.upload(encoded(colour), id=key, name=f"{key}.png", source="drop")
        assert "error" not in reply
    red, blue, green = pick.value
    assert [(item["name"], item["source"]) for item in pick.items] == [
        ("a.png", "drop"),
        ("b.png", "drop"),
        ("c.png", "drop"),
    ]
    pick.ask("order", {"ids": ["c", "a"]}, ask="1")
    assert pick.value == [green, red, blue]
    assert pick.ask("remove", {"id": "a"}, ask="2")[0]["value"] is True
    assert pick.value == [green, blue]
    pick.ask("undo", ask="3")
    assert pick.value == [green, red, blue]
    assert pick.ask("undo", ask="4")[0]["value"] is False
    assert pick.ask("remove", {"id": "x"}, ask="5")[0]["value"] is False


def test_an_image_that_the_page_shrinks_once_more_keeps_place_and_preview() -> None:
    pick = Picker(keep_originals=True)
    thumb = base64.b64encode(encoded(kind="JPEG")).decode()
    before = {"kind": "BMP", "width": 400, "height": 300, "size": 360_000}
    pick.upload(b"BM the whole file", what="original", id="a")
    pick.upload(encoded("blue"), id="a", source="upload", before=before, thumb=thumb)
    pick.upload(encoded(), id="b", source="upload")
    pick.upload(encoded("navy", (20, 15)), id="a", source="upload", before=before)
    assert [item["id"] for item in pick.items] == ["a", "b"]
    assert pick.items[0]["thumb"].endswith(thumb)
    assert (pick.items[0]["width"], pick.items[0]["before"]) == (20, before)
    assert pick.originals == [b"BM the whole file", encoded()]


def test_what_is_still_on_its_way_is_told() -> None:
    """A question that is sent too early says what it lacks."""
    pick = Picker([encoded()])
    pick.set_state({"coming": 2})
    with pytest.warns(ImageComing, match="2 images are still on the way"):
        assert len(pick.to_parts()) == 1
    pick.set_state({"coming": 0})
    assert len(pick.to_parts()) == 1


def test_an_original_is_gone_unless_it_was_asked_for() -> None:
    pick = Picker()
    assert "not kept" in pick.upload(b"BM", what="original", id="a")["error"]
    before = {"kind": "BMP", "width": 400, "height": 300, "size": 360_000}
    pick.upload(encoded(), id="a", source="upload", before=before)
    assert pick.originals == [None]


def test_bytes_count_and_not_what_the_page_says_of_them() -> None:
    """No image, one too many, a preview that is something else."""
    pick = Picker(most=1)
    assert "not an image" in pick.upload(b"<svg/>", id="a", name="a.png")["error"]
    assert pick.value == []
    pick.upload(encoded(), id="a", name="<b>", thumb=base64.b64encode(b"<svg/>").decode())
    assert pick.items[0]["thumb"] == ""
    assert "At most 1 image is taken" in pick.upload(encoded(), id="b", name="b")["error"]
    assert "takes no sound" in pick.upload(b"x", what="sound", id="s")["error"]
    assert "<b>" not in pick._result_bundle()["text/html"]


def test_an_address_from_the_page_is_fetched_beside_it(site: str) -> None:
    """The bytes are offered to the page, which looks at them and sends what it made of them."""
    pick = Picker()
    for name, path in {"fetched-1": "/a%20map.png?x=1", "fetched-2": "/none.png"}.items():
        pick.ask("fetch", {"url": site + path, "name": name}, ask=name)
    for thread in threading.enumerate():
        if thread.name == "groqnb-Picker":
            thread.join(60)
    offers = pick._gn_offers
    assert (offers["fetched-1"]["size"], offers["fetched-1"]["problem"]) == (
        len(encoded("blue")),
        "",
    )
    assert "status 404" in offers["fetched-2"]["problem"]
    pick.ask("fetched", {"name": "fetched-1"}, ask="done")
    assert list(pick._gn_offers) == ["fetched-2"]


# --- what is shown and saved ---


def test_the_saved_result_shows_small_pictures_and_what_was_picked(noise: Any) -> None:
    pick = groqnb.ImagePicker([encoded(), noise])
    bundle = pick._result_bundle()
    assert bundle["text/html"].count('<img src="data:image/jpeg;base64,') == 2
    assert len(bundle["text/html"]) < 40_000
    assert bundle["text/plain"].splitlines()[1] == "1. image 1: PNG, 40×30, 1 kB"
    assert "(was 1600×1200, 5.8 MB)" in bundle["text/plain"]
    assert repr(groqnb.ImagePicker()) == "ImagePicker()"
    assert repr(groqnb.ImagePicker([encoded()])) == "ImagePicker(image 1: PNG, 40×30)"


def test_its_state_is_small_and_holds_no_image(noise: Any) -> None:
    pick = groqnb.ImagePicker([noise] * 5)
    state = str({name: value for name, value in pick.get_state().items() if name[:4] != "_esm"})
    assert len(state.replace(pick._css, "")) < 100_000


def test_without_pillow_small_images_are_picked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The browser shrinks; Python need not be able to."""
    data = encoded()
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    pick = groqnb.ImagePicker([data])
    assert pick.value == [data]
    assert pick.items[0]["thumb"] == ""
    assert "<img" not in pick._result_bundle()["text/html"]


# --- magics ---


def test_the_magic_sends_what_was_picked(
    ip: InteractiveShell, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--image pick`: in order, after the text; an empty picker is told."""
    model = "meta-llama/llama-4-scout-17b-16e-instruct"
    monkeypatch.setattr("chat_server.MODELS", [model])
    ip.user_ns["pick"] = groqnb.ImagePicker([encoded(), encoded("blue")])
    run(ip, f"%%groq -m {model} --image pick\nhello")
    parts = server.requests[-1]["messages"][-1]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "image_url"]
    assert parts[1:] == ip.user_ns["pick"].to_parts()
    assert "2 images" in str(outputs(ip)[-1]["data"]["text/html"])
    ip.user_ns["empty"] = groqnb.ImagePicker()
    assert "no image was picked yet" in usage_error(ip, "%%groq --image empty\nhello")
