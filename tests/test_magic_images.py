"""`%%groq --image` and `--fig` in a real shell of IPython, against a server on loopback."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, last, outputs, run, usage_error
from PIL import Image

from groqnb.completion import candidates
from groqnb.session import session

SCOUT = "meta-llama/llama-4-scout-17b-16e-instruct"
TEXT_MODEL = "llama-3.1-8b-instant"


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server knows a model with vision."""
    monkeypatch.setattr("chat_server.MODELS", [SCOUT, TEXT_MODEL, "acme/brand-new-70b"])


@pytest.fixture
def folder() -> Path:
    """The shell's folder, with two images in it."""
    Image.new("RGB", (40, 30), "red").save("shop.png")
    Image.new("RGB", (20, 10), "blue").save("my photo.jpg")
    return Path.cwd()


def sent(server: ChatServer, request: int = -1, message: int = -1) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = server.requests[request]["messages"][message]["content"]
    return content


def sizes(parts: list[dict[str, Any]]) -> list[tuple[int, int]]:
    found = []
    for part in parts:
        if part["type"] == "image_url":
            data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
            found.append(Image.open(io.BytesIO(data)).size)
    return found


# --- images ---------------------------------------------------------------------------------------


def test_text_comes_first_and_images_follow_in_order(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """A file, a name with a space, a variable, an expression, an address."""
    ip.user_ns["grid"] = [np.zeros((5, 6)), np.zeros((7, 8))]
    run(
        ip,
        "%%groq --image shop.png --image 'my photo.jpg' --image {{grid[0]}} "
        "--image https://example.org/a.png --image {{grid[1]}}\nWhat is this?",
    )
    parts = sent(server)
    assert parts[0] == {"type": "text", "text": "What is this?"}
    assert sizes([*parts[1:4], parts[5]]) == [(40, 30), (20, 10), (6, 5), (8, 7)]
    assert parts[4]["image_url"]["url"] == "https://example.org/a.png"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Image.new("L", (12, 9)),
        lambda: np.zeros((9, 12, 3), np.uint8),
        lambda: Path("12x9.png"),
        lambda: "12x9.png",
        lambda: Path("12x9.png").read_bytes(),
        lambda: [Path("12x9.png")],
    ],
    ids=["pillow", "array", "path", "text", "bytes", "list"],
)
def test_a_variable_may_hold_an_image_of_any_kind(
    ip: InteractiveShell, server: ChatServer, make: Any
) -> None:
    Image.new("L", (12, 9)).save("12x9.png")
    ip.user_ns["picture"] = make()
    run(ip, "%%groq --image picture\nWhat is this?")
    assert sizes(sent(server)) == [(12, 9)]


def test_a_variable_comes_before_a_file_and_a_file_before_an_attribute(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """`shop.png` is the file, though there may be an object `shop`; without a file it is not."""
    ip.user_ns["shop"] = type("Shop", (), {"png": np.zeros((2, 3)), "map": np.zeros((4, 5))})()
    Image.new("L", (9, 9)).save("picture", "PNG")
    ip.user_ns["picture"] = np.zeros((6, 7))
    run(ip, "%%groq --image shop.png --image shop.map --image picture\nWhat is this?")
    assert sizes(sent(server)) == [(40, 30), (5, 4), (7, 6)]


def test_the_line_magic_takes_images_too(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    run(ip, "%groq ask --image shop.png What is in it?")
    assert sent(server)[0]["text"] == "What is in it?"
    assert sizes(sent(server)) == [(40, 30)]


def test_what_was_sent_is_said_under_the_answer(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """Number, kind and size; and why another model than the usual one was asked."""
    run(ip, "%%groq --image shop.png\nhello")
    assert server.requests[-1]["model"] == SCOUT
    assert "sent 1 image (PNG, 40×30, 1 kB)" in last(ip)
    assert f"{session.default_model} takes no images" in last(ip)
    run(ip, f"%%groq -m {SCOUT} --image shop.png --image 'my photo.jpg'\nhello")
    assert "sent 2 images (PNG, 40×30, 1 kB; JPEG, 20×10, 1 kB)" in last(ip)
    assert "takes no images" not in last(ip)
    run(ip, f"%%groq -m {TEXT_MODEL}\nhello")
    assert "sent" not in last(ip)


def test_a_shrunk_image_is_said_to_be(ip: InteractiveShell, server: ChatServer) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (2400, 3000, 3), dtype=np.uint8)
    ip.user_ns["noise"] = rows
    run(ip, "%%groq --image noise\nhello")
    assert "shrunk from 3000×2400 to " in last(ip)
    assert len(str(server.requests[-1])) < 4_000_000


def test_a_dry_run_shows_images_as_facts_and_sends_nothing(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """No base64 on the page, and none in the estimate of tokens."""
    run(ip, "%%groq --dry-run --image shop.png --image https://example.org/a.png\nWhat is this?")
    assert not server.requests
    plain, html = last(ip), last(ip, "text/html")
    assert "What is this?\n[image: PNG, 40×30, 1 kB]\n[image: https://example.org/a.png]" in plain
    assert "about 8 in" in plain
    assert "images come on top" in plain
    assert "base64" not in plain + html


def test_a_conversation_keeps_its_images(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """The next turn sends them again, to a model that can see, and counts them."""
    run(ip, "%%groq -c tour --image shop.png\nWhat is this?")
    run(ip, "%%groq -c tour\nWhat colour?")
    assert [m["role"] for m in server.requests[-1]["messages"]] == ["user", "assistant", "user"]
    assert sizes(sent(server, message=0)) == [(40, 30)]
    assert server.requests[-1]["model"] == SCOUT
    assert "takes no images" in last(ip)
    assert TEXT_MODEL in usage_error(ip, f"%%groq -c tour -m {TEXT_MODEL}\nAnd now?")
    run(ip, "%%groq -c tour" + " --image shop.png" * 4 + "\nAnd these?")
    told = usage_error(ip, "%%groq -c tour --image shop.png\nOne more?")
    assert "at most 5 images; these are 1 and there are 5 in it already" in told
    assert len(server.requests) == 3


def test_what_a_conversation_holds_leaves_less_room_for_more(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """The second image is shrunk further, since the first is sent again."""
    rows = np.random.default_rng(0).integers(0, 256, (2400, 3000, 3), dtype=np.uint8)
    ip.user_ns["noise"] = rows
    run(ip, "%%groq -c big --image noise\nFirst")
    run(ip, "%%groq -c big --image noise\nSecond")
    assert "shrunk from 3000×2400" in last(ip)
    [first, second] = sizes(sent(server, message=0)) + sizes(sent(server))
    assert first[0] > second[0] > 300
    assert len(str(server.requests[-1])) < 4_000_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--image shpo.png", "there is no variable and no file 'shpo.png'. Did you mean shop.png?"),
        ("--image pictur", "Did you mean picture?"),
        ("--image number", "an object of type int is no image"),
        ("--image .", "is a folder"),
        ("--image {{nothing}}", "the name 'nothing' is not defined"),
        ("--image ftp://example.org/a.png", "http(s)"),
        ("--image", "--image needs a value: --image IMAGE"),
        ("--image shop.png " * 6, "at most 5 images"),
        ("--fig", "no matplotlib figure was shown"),
        ("--fig=x", "--fig takes no value"),
        (f"-m {TEXT_MODEL} --image shop.png", f"{TEXT_MODEL} takes no images; these do: "),
        (f"-m {SCOUT},{TEXT_MODEL} --image shop.png", f"{TEXT_MODEL} takes no images"),
    ],
)
def test_mistakes_are_usage_errors_and_send_nothing(
    ip: InteractiveShell, server: ChatServer, folder: Path, options: str, words: str
) -> None:
    """Each names what was wrong, or what was probably meant."""
    ip.user_ns.update(picture=np.zeros((2, 2)), number=3)
    assert words in usage_error(ip, f"%%groq {options}\nhello")
    assert not server.requests


def test_a_model_that_the_catalogue_does_not_know_is_asked(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """The server decides what its own models can do."""
    run(ip, "%%groq -m acme/brand-new-70b --image shop.png\nhello")
    assert server.requests[-1]["model"] == "acme/brand-new-70b"


def test_a_failed_question_leaves_the_conversation_without_its_image(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    failed(ip, "%%groq -c c -m acme/none --image shop.png\nhello")
    assert "c" not in session.conversations


def test_several_models_get_the_same_image(
    ip: InteractiveShell, server: ChatServer, folder: Path
) -> None:
    """A comparison of models that can see."""
    run(ip, f"%%groq -m {SCOUT},acme/brand-new-70b --image shop.png\nhello")
    assert {request["model"] for request in server.requests} == {SCOUT, "acme/brand-new-70b"}
    assert sizes(sent(server, 0)) == sizes(sent(server, 1)) == [(40, 30)]
    assert last(ip) == "sent 1 image (PNG, 40×30, 1 kB)"


def test_completion_offers_images(ip: InteractiveShell, folder: Path) -> None:
    """Variables that hold images, files of images in the folder; and the options."""
    Path("notes.txt").write_text("x")
    names = {"picture": Image.new("L", (1, 1)), "grid": np.zeros((2, 2)), "number": 3, "_hid": 1}

    def offered(line: str) -> list[str]:
        return [text for text, _ in candidates(line + "\nx", 0, len(line), names)[1]]

    assert offered("%%groq --image ") == ["grid", "picture", "my photo.jpg", "shop.png"]
    assert offered("%%groq --image pic") == ["picture"]
    assert offered("%%groq --image shop.png --i") == ["--image"]
    assert offered("%%groq --f") == ["--fig"]


# --- figures --------------------------------------------------------------------------------------


@pytest.fixture
def plt(ip: InteractiveShell) -> Iterator[Any]:
    """pyplot with the backend of notebooks, which closes figures when a cell ends."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    inline = pytest.importorskip("matplotlib_inline.backend_inline")
    pyplot.switch_backend("module://matplotlib_inline.backend_inline")
    inline.configure_inline_support(ip, "inline")
    pyplot.ion()
    ip.user_ns["plt"] = pyplot
    yield pyplot
    pyplot.close("all")
    pyplot.ioff()
    pyplot.switch_backend("agg")
    inline.configure_inline_support(ip, "agg")


DRAW = "figure, axes = plt.subplots(figsize=({}, 2))\naxes.plot([1, 2])"


@pytest.mark.parametrize("end", ["", "\nplt.show()", "\nplt.show()\nplt.close('all')", "\nfigure"])
def test_the_last_figure_is_sent_though_it_was_closed(
    ip: InteractiveShell, server: ChatServer, plt: Any, end: str
) -> None:
    """The backend closes it at the cell's end or at `show`; other cells may come between."""
    run(ip, DRAW.format(8) + end)
    run(ip, DRAW.format(3) + end)
    run(ip, "del figure, axes\nx = 1")
    assert not plt.get_fignums()
    run(ip, "%%groq --fig\nWhat does it show?")
    [(width, height)] = sizes(sent(server))
    assert 200 < width < 400 < 2.5 * height
    assert "sent 1 image (PNG, " in last(ip)


def test_a_figure_that_is_still_open_is_the_last(
    ip: InteractiveShell, server: ChatServer, plt: Any
) -> None:
    """Other backends keep figures open; pyplot knows which one is current."""
    run(ip, DRAW.format(8))
    plt.switch_backend("agg")
    run(ip, DRAW.format(3))
    run(ip, "%%groq --fig\nWhat does it show?")
    assert sizes(sent(server))[0][0] < 400


def test_a_figure_goes_along_with_images(
    ip: InteractiveShell, server: ChatServer, plt: Any, folder: Path
) -> None:
    """Images first, in their order, then the figure; a figure can be a variable as well."""
    run(ip, DRAW.format(8))
    run(ip, "%%groq --fig --image shop.png --image axes\nhello")
    first, second, third = sizes(sent(server))
    assert first == (40, 30)
    assert second == third
    assert second[0] > 600


def test_figures_are_shown_as_before(ip: InteractiveShell, plt: Any) -> None:
    """Watching them changes nothing of what a cell shows, before and after %unload_ext."""
    run(ip, DRAW.format(3))
    assert [sorted(each["data"]) for each in outputs(ip)] == [["image/png", "text/plain"]]
    ip.run_line_magic("unload_ext", "groqnb")
    run(ip, DRAW.format(3))
    assert sorted(outputs(ip)[-1]["data"]) == ["image/png", "text/plain"]
    assert session.figure is None
    ip.run_line_magic("load_ext", "groqnb")
    run(ip, DRAW.format(3))
    assert session.figure is not None


def test_watching_figures_imports_no_matplotlib() -> None:
    """It costs nothing where nothing is drawn."""
    import subprocess

    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); "
        "s.run_line_magic('load_ext', 'groqnb'); import sys; "
        "print([m for m in ('matplotlib', 'PIL', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
