"""The image picker in a real browser: what comes in, in which size, and what people can do."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import groqnb
from groqnb.images import MOST_BYTES
from groqnb.local.image_header import header

from .barriers import barriers
from .blank_page import BlankPage, BlankPages
from .media import AS_WEBKIT, COLOURS, SIZE
from .notebook_page import Heard
from .tabs import Tabs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

STATE = {
    "items": [],
    "most": 5,
    "keep_originals": False,
    "limits": {"bytes": MOST_BYTES, "pixels": 33_177_600},
    "error": "",
    "_gn_offers": {},
    "_gn_key": "",
}
# The kernel's part: it keeps what is sent under its id, in order.
KERNEL = """
const items = () => fake.state.items;
window.original = null;
fake.answers['gn-finish'] = ({ content: { upload, name, size, meta } }) => {
  if (name === 'original') return (window.original = size);
  const old = items().find((each) => each.id === meta.id);
  const item = { ...old, ...meta, size, upload, kind: 'JPEG', width: 4, height: 3,
    thumb: meta.thumb ? 'data:image/jpeg;base64,' + meta.thumb : old.thumb };
  fake.set('items', old ? items().map((each) => (each === old ? item : each)) : [...items(), item]);
};
fake.answers.remove = ({ content: { id } }) => {
  window.gone = items().find((each) => each.id === id);
  fake.set('items', items().filter((each) => each.id !== id));
  return true;
};
fake.answers.undo = () => { fake.set('items', [window.gone, ...items()]); return true; };
fake.answers.order = ({ content: { ids } }) =>
  fake.set('items', ids.map((id) => items().find((each) => each.id === id)));
"""
SENT = """() => Promise.all(fake.state.items.map((item) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.split(',')[1] ?? '');
  reader.readAsDataURL(new Blob(fake.bytes[item.upload]));
})))"""


def picture(colour: str, size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images small and large, and what only looks like one."""
    made = tmp_path_factory.mktemp("pictures")
    for colour in ("red", "green", "blue"):
        (made / f"{colour}.png").write_bytes(picture(colour))
    (made / "shop.jpg").write_bytes(picture("olive", kind="JPEG"))
    (made / "shop.webp").write_bytes(picture("olive", kind="WEBP"))
    (made / "shop.gif").write_bytes(picture("olive", kind="GIF"))
    noise = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), dtype="u1")
    Image.fromarray(noise).save(made / "photo.jpg", quality=70)
    # 50 MB, which a BMP has by its pixels alone.
    Image.fromarray(np.tile(noise[:2800, :3000], (1, 2, 1))[:, :6000]).save(made / "scan.bmp")
    (made / "empty.png").touch()
    (made / "paper.png").write_bytes(b"%PDF-1.7 and more of it")
    (made / "broken.png").write_bytes(picture("red")[:60] + b"\0" * 40)
    (made / "drawing.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (made / "notes.txt").write_text("red.png")
    return made


@pytest.fixture
def picker(blank_page: BlankPages) -> Callable[..., BlankPage]:
    """Open a picker whose kernel is the page's own script."""

    def opened(browser: Browser | None = None, given: Any = (), **options: Any) -> BlankPage:
        page = blank_page("image_picker", STATE | dict(given), browser=browser, **options)
        page.page.evaluate(f"() => {{ {KERNEL} }}")
        return page

    return opened


def add(page: Page | Locator, *files: Path) -> None:
    page.locator("input[type=file]").set_input_files(files)


def settled(page: BlankPage, images: int) -> list[bytes]:
    """Wait until so many images are picked and none is on its way; their bytes in order."""
    cards = page.page.locator(".gw-picker-card")
    expect(cards).to_have_count(images, timeout=60_000)
    expect(page.page.locator("[aria-busy=true]")).to_have_count(0, timeout=60_000)
    return [base64.b64decode(each) for each in page.page.evaluate(SENT)]


def names(page: BlankPage) -> list[str]:
    return page.page.locator(".gw-picker-name").all_inner_texts()


def drop(page: Page, target: Locator, files: list[Path]) -> None:
    """Drop files as the system does, at the middle of an element."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(each) for each in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})


# --- what comes in ---


def test_what_fits_arrives_byte_for_byte_in_order(
    picker: Callable[..., BlankPage], folder: Path
) -> None:
    """Chosen together, every kind that the API takes; shown with its size and a preview."""
    page = picker()
    files = [folder / name for name in ("blue.png", "shop.jpg", "shop.webp", "shop.gif", "red.png")]
    add(page.page, *files)
    assert settled(page, 5) == [each.read_bytes() for each in files]
    assert names(page) == [each.name for each in files]
    assert all(item["before"] is None for item in page.page.evaluate("fake.state.items"))
    expect(page.widget).to_contain_text("5 of 5 images")
    expect(page.page.locator(".gw-picker-frame img")).to_have_count(5)
    widths = "all => all.map((each) => each.naturalWidth)"
    assert page.page.eval_on_selector_all(".gw-picker-frame img", widths) == [40] * 5


def test_files_are_dropped_and_pasted(picker: Callable[..., BlankPage], folder: Path) -> None:
    """Files from the system; from the clipboard what is an image, and else a reason."""
    page = picker()
    drop(page.page, page.widget, [folder / "red.png", folder / "notes.txt"])
    assert settled(page, 1) == [(folder / "red.png").read_bytes()]
    expect(page.page.get_by_role("alert")).to_contain_text("notes.txt is not an image")
    paste = """([bytes, text]) => {
      const clipboardData = new DataTransfer();
      if (bytes) clipboardData.items.add(new File([new Uint8Array(bytes)], 'image.png'));
      if (text) clipboardData.setData('text/plain', text);
      const zone = document.querySelector('.gw-picker-zone');
      zone.focus();
      zone.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
    }"""
    page.page.evaluate(paste, [list(picture("blue")), ""])
    assert settled(page, 2)[1] == picture("blue")
    expect(page.page.get_by_role("alert")).to_be_hidden()
    page.page.evaluate(paste, [None, "a plain text"])
    expect(page.page.get_by_role("alert")).to_contain_text("pasted is no image")
    data = base64.b64encode(picture("green")).decode()
    page.page.evaluate(paste, [None, f"data:image/png;base64,{data}"])
    assert settled(page, 3)[2] == picture("green")


def test_large_images_are_shrunk_to_what_one_request_holds(
    picker: Callable[..., BlankPage], folder: Path
) -> None:
    """12 megapixels and 50 MB: together they fit, each as large as it can be, and it is told."""
    assert (folder / "scan.bmp").stat().st_size > 50_000_000
    page = picker(given={"keep_originals": True})
    add(page.page, folder / "photo.jpg")
    (alone,) = settled(page, 1)
    add(page.page, folder / "red.png", folder / "scan.bmp")
    photo, red, scan = settled(page, 3)
    assert red == (folder / "red.png").read_bytes()
    assert len(alone) <= MOST_BYTES
    assert 0.8 * MOST_BYTES / 2 < len(photo) <= MOST_BYTES / 2
    assert sum(map(len, (photo, red, scan))) <= MOST_BYTES
    for data, width, height in ((photo, 4000, 3000), (scan, 6000, 2800)):
        found = header(data)
        assert found is not None
        assert found.kind == "JPEG"
        assert abs(found.width / found.height - width / height) < 0.01
        assert Image.open(io.BytesIO(data)).convert("L").resize((1, 1)).getpixel((0, 0)) in range(
            115, 140
        )
    expect(page.widget).to_contain_text("shrunk, was 4,000 × 3,000")
    assert page.page.evaluate("window.original") == (folder / "scan.bmp").stat().st_size
    # Without the third, the first has its room again.
    page.button("Remove: scan.bmp").click()
    page.page.wait_for_function(
        "size => fake.state.items.length === 2 && fake.state.items[0].size > size",
        arg=1.2 * len(photo),
    )


def test_what_is_no_image_is_told_by_name_and_the_others_go_on(
    picker: Callable[..., BlankPage], folder: Path
) -> None:
    """The bytes decide, whatever a file is called."""
    page = picker()
    wrong = ("empty.png", "paper.png", "drawing.png", "broken.png", "notes.txt")
    add(page.page, *(folder / name for name in (*wrong, "red.png")))
    assert settled(page, 1) == [(folder / "red.png").read_bytes()]
    assert page.page.get_by_role("alert").inner_text().splitlines() == [
        "empty.png is empty.",
        "paper.png is not an image: PNG, JPEG, WebP and GIF are.",
        "drawing.png is a drawing (SVG), and models take pixels. Export it as PNG.",
        "broken.png cannot be shown: it is broken. Save it as PNG or JPEG and add it again.",
        "notes.txt is not an image: PNG, JPEG, WebP and GIF are.",
    ]


def test_a_sixth_image_is_told_to_be_too_many(
    picker: Callable[..., BlankPage], folder: Path
) -> None:
    page = picker()
    add(page.page, *[folder / "red.png"] * 6)
    settled(page, 5)
    expect(page.page.get_by_role("alert")).to_have_text(
        "red.png was not added: at most 5 images are taken. Remove one first."
    )


def test_an_address_is_fetched_by_the_kernel(picker: Callable[..., BlankPage]) -> None:
    """The page asks nobody; an address that fails is told, with nothing lost."""
    page = picker()
    data = base64.b64encode(picture("blue")).decode()
    page.page.evaluate(
        """data => {
          const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
          const size = bytes.length;
          fake.answers.fetch = ({ content: { url, name } }) => {
            const problem = url.includes('none') ? 'It cannot be fetched.' : '';
            fake.set('_gn_offers', { [name]: { size, mime: '', version: '1', problem } });
          };
          fake.answers['gn-get'] = () => undefined;
          const send = fake.say;
          window.bytes = bytes;
        }""",
        data,
    )
    page.button("From a URL…").click()
    page.page.get_by_role("textbox", name="Address of an image").fill("https://x.org/none.png")
    page.page.keyboard.press("Enter")
    expect(page.page.get_by_role("alert")).to_have_text("It cannot be fetched.")
    assert page.wait_asked("fetch")["url"] == "https://x.org/none.png"
    page.wait_asked("fetched")
    assert settled(page, 0) == []


# --- camera ---


def test_a_photograph_shows_what_the_camera_sees_and_lets_it_go(
    picker: Callable[..., BlankPage],
) -> None:
    """Asked for at the click, several pictures, and the camera is off after it."""
    page = picker(permissions=["camera"])
    page.page.evaluate(
        """() => {
          const { mediaDevices } = navigator;
          const ask = mediaDevices.getUserMedia.bind(mediaDevices);
          window.streams = [];
          mediaDevices.getUserMedia = async (how) => {
            window.streams.push(await ask(how));
            return window.streams.at(-1);
          };
        }"""
    )
    assert page.page.evaluate("streams.length") == 0
    page.button("Camera").click()
    page.page.wait_for_function("document.querySelector('video').videoWidth > 0")
    page.button("Take picture").click()
    page.button("Take picture").click()
    photo, _ = settled(page, 2)
    image = Image.open(io.BytesIO(photo))
    assert image.size == SIZE
    width, height = SIZE
    for index, colour in enumerate(COLOURS):
        row, column = divmod(index, 2)
        seen = image.getpixel((width // 4 + column * width // 2, height // 4 + row * height // 2))
        assert isinstance(seen, tuple)
        assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < 25
    page.page.keyboard.press("Escape")
    expect(page.page.locator("video")).to_be_hidden()
    tracks = "streams.flatMap((each) => each.getTracks()).map((each) => each.readyState)"
    assert page.page.evaluate(tracks) == ["ended"]
    assert page.page.evaluate("document.activeElement.textContent") == "Camera"

    page.button("Camera").click()
    page.page.wait_for_function("streams.length === 2")
    page.page.evaluate("fake.close()")
    assert page.page.evaluate(tracks) == ["ended", "ended"]


def test_a_refused_or_missing_camera_says_what_to_do(
    picker: Callable[..., BlankPage], bare_browser: Browser
) -> None:
    refused = picker()
    refused.button("Camera").click()
    expect(refused.page.get_by_role("alert")).to_contain_text("The camera was refused. Allow it")
    none = picker(bare_browser, permissions=["camera"])
    for browser in ("Chromium", "WebKit"):
        if browser == "WebKit":
            none.page.evaluate(AS_WEBKIT)
        none.button("Camera").click()
        expect(none.page.get_by_role("alert")).to_contain_text("There is no camera here.")
    expect(none.page.locator("video")).to_be_hidden()


def test_where_no_camera_can_be_the_tab_is_offered(picker: Callable[..., BlankPage]) -> None:
    """A front end that never gives one: the widget offers the page that can."""
    page = picker()
    page.page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.button("Camera").click()
    expect(page.button("Pick in a browser tab")).to_be_visible()


def test_the_page_of_its_own_picks_into_the_same_object(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Where the camera is refused, a tab of its own photographs into Python."""
    monkeypatch.setattr("groqnb.widgets.loopback.refuse_remote", lambda: None)
    pick = groqnb.ImagePicker(images=[folder / "red.png"])
    context = browser.new_context(permissions=["camera"])
    page, heard = context.new_page(), Heard()
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    page.on("request", lambda request: heard.requests.append(request.url))
    page.on("console", lambda line: line.type == "error" and heard.console.append(line.text))
    page.goto(pick._open_page())
    add(page, folder / "blue.png")
    expect(page.locator(".gw-picker-card img")).to_have_count(2)
    page.get_by_role("button", name="Camera", exact=True).click()
    expect(page.locator("video")).to_have_js_property("videoWidth", SIZE[0])
    page.get_by_role("button", name="Take picture").click()
    expect(page.locator(".gw-picker-card img")).to_have_count(3)
    assert pick.value[:2] == [(folder / f"{name}.png").read_bytes() for name in ("red", "blue")]
    assert Image.open(io.BytesIO(pick.value[2])).size == SIZE
    heard.must_be_quiet()
    context.close()
    pick.close()


# --- order ---


@pytest.fixture
def three(picker: Callable[..., BlankPage], folder: Path) -> BlankPage:
    page = picker()
    add(page.page, *(folder / f"{colour}.png" for colour in ("red", "green", "blue")))
    settled(page, 3)
    return page


def test_images_are_moved_and_removed_by_keyboard(three: BlankPage) -> None:
    """Buttons and arrows; the focus goes along; what was removed can be had back."""
    three.button("Later: red.png").focus()
    three.page.keyboard.press("Enter")
    assert names(three) == ["green.png", "red.png", "blue.png"]
    three.page.wait_for_function("fake.asked('order').length === 1")
    three.page.keyboard.press("Alt+ArrowRight")
    assert names(three) == ["green.png", "blue.png", "red.png"]
    expect(three.button("Later: red.png")).to_be_focused()
    three.page.keyboard.press("Enter")
    assert names(three) == ["green.png", "blue.png", "red.png"]
    three.page.keyboard.press("ArrowLeft")
    expect(three.button("Later: blue.png")).to_be_focused()
    expect(three.page.get_by_role("status")).to_contain_text("now number 3 of 3")

    three.page.keyboard.press("Delete")
    expect(three.page.locator(".gw-picker-card")).to_have_count(2)
    expect(three.button("Remove: red.png")).to_be_focused()
    three.button("Undo").click()
    expect(three.page.locator(".gw-picker-card")).to_have_count(3)
    expect(three.button("Undo")).to_be_hidden()


def test_images_are_moved_by_mouse(three: BlankPage) -> None:
    cards = three.page.locator(".gw-picker-card")
    cards.nth(2).locator("img").drag_to(cards.nth(0))
    expect(cards.nth(0)).to_contain_text("blue.png")
    assert names(three) == ["blue.png", "red.png", "green.png"]
    assert len(three.wait_asked("order")["ids"]) == 3


def test_it_has_no_barriers(three: BlankPage, folder: Path) -> None:
    """axe finds nothing, with images, an error, and the field for addresses open."""
    three.button("From a URL…").click()
    add(three.page, folder / "notes.txt")
    expect(three.page.get_by_role("alert")).to_be_visible()
    assert barriers(three.page, ".gw") == []


# --- in Jupyter ---

PICK = "import groqnb\n\npick = groqnb.ImagePicker()\npick"
OTHER = "other = groqnb.ImagePicker(images=['red.png'], most=2)\nother"


def test_the_kernel_gets_what_was_picked(open_notebook: Tabs, folder: Path, front: str) -> None:
    """Chosen, dropped, pasted and photographed, in two pickers at once; saved, and seen again."""
    allowed = ["camera", "clipboard-read", "clipboard-write"]
    notebook = open_notebook([PICK, OTHER], front=front, permissions=allowed)
    (notebook.lab.notebooks / "red.png").write_bytes((folder / "red.png").read_bytes())
    page = notebook.page
    for cell in (0, 1):
        notebook.run(cell)
    pick, other = (page.get_by_role("group", name="Image picker").nth(at) for at in (0, 1))
    expect(other.locator(".gw-picker-card")).to_have_count(1)
    add(other, folder / "blue.png")
    add(pick, folder / "shop.webp")
    expect(pick.locator(".gw-picker-card img")).to_have_count(1)
    drop(page, pick.locator(".gw-picker-hint"), [folder / "green.png"])
    expect(pick.locator(".gw-picker-card img")).to_have_count(2)
    page.evaluate(
        """async (data) => {
          const blob = await (await fetch('data:image/png;base64,' + data)).blob();
          await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
        }""",
        base64.b64encode(picture("navy")).decode(),
    )
    pick.locator(".gw-picker-hint").click()
    page.keyboard.press("Control+v")
    expect(pick.locator(".gw-picker-card img")).to_have_count(3)
    pick.get_by_role("button", name="Camera", exact=True).click()
    page.wait_for_function("document.querySelector('video').videoWidth > 0")
    pick.get_by_role("button", name="Take picture").click()
    expect(pick.locator(".gw-picker-card img")).to_have_count(4)
    expect(other.locator(".gw-picker-card img")).to_have_count(2)

    files = json.loads(
        notebook.kernel(
            "import base64, json; print(json.dumps([[base64.b64encode(each).decode()"
            " for each in one.value] for one in (pick, other)]))"
        )
    )
    mine, others = ([base64.b64decode(each) for each in one] for one in files)
    assert mine[:2] == [(folder / name).read_bytes() for name in ("shop.webp", "green.png")]
    pasted = Image.open(io.BytesIO(mine[2])).convert("RGB")
    assert (pasted.size, pasted.getpixel((9, 9))) == ((40, 30), (0, 0, 128))
    assert Image.open(io.BytesIO(mine[3])).size == SIZE
    assert others == [(folder / name).read_bytes() for name in ("red.png", "blue.png")]
    # Jupyter took neither the drop nor the paste for the notebook.
    assert page.evaluate("probe.sources()") == [PICK, OTHER]
    view, saved = notebook.outputs(0)
    assert view["data"]["text/plain"] == "ImagePicker()"
    assert saved["data"]["text/plain"].startswith("4 images picked")
    assert saved["data"]["text/html"].count("<img") == 4
    expect(page.locator(".gn-picked").first).to_be_hidden()


def test_reopened_untrusted_it_shows_what_was_picked(open_notebook: Tabs, folder: Path) -> None:
    """Without a kernel the small pictures and their sizes are there, and no script ran."""
    notebook = open_notebook([PICK])
    notebook.run(0)
    add(notebook.page, folder / "blue.png", folder / "shop.jpg")
    expect(notebook.page.locator(".gw-picker-card img")).to_have_count(2)
    path = notebook.save()
    saved = nbformat.read(path, as_version=4)
    assert "widgets" not in saved.metadata
    # Of a kernel that is not here, so that none is started.
    saved.metadata = {"kernelspec": {"name": "gone", "display_name": "", "language": "gone"}}
    nbformat.write(saved, path.with_name("picked_again.ipynb"))
    again = open_notebook(path.with_name("picked_again.ipynb"), kernel=False)
    assert not again.trusted(0)
    assert "blue.png: PNG, 40×30" in again.seen(0)
    pictures = again.page.locator(".gn-picked img")
    expect(pictures).to_have_count(2)
    assert pictures.first.evaluate("each => each.complete && each.naturalWidth") == 40


def test_it_has_no_barriers_in_either_theme(open_notebook: Tabs, folder: Path, shots: Path) -> None:
    notebook = open_notebook([PICK])
    notebook.run(0)
    add(notebook.page, folder / "photo.jpg", folder / "shop.webp", folder / "notes.txt")
    expect(notebook.page.locator(".gw-picker-card img")).to_have_count(2, timeout=60_000)
    expect(notebook.page.get_by_role("alert")).to_be_visible()
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.picture(shots / f"image_picker_{theme.lower()}.png")
        assert barriers(notebook.page, ".gw") == []
