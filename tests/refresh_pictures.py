"""Make the cookbook's pictures of the widgets, for whoever reads a notebook and runs nothing.

    python tests/refresh_pictures.py                     # all of them
    python tests/refresh_pictures.py 20_chat_panel

The cells are the notebook's own, run in JupyterLab by the model that ``GROQNB_LOCAL_MODEL`` names,
the default one if it is unset; then the widget alone is taken, into
``notebooks/images/NN_name.png``. Needs a Chrome or Chromium; some minutes.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from browser.chromium import FLAGS, find
from browser.lab import Lab
from browser.notebook_page import NotebookPage
from browser.tabs import Tabs
from PIL import Image, ImageChops
from playwright.sync_api import Locator, expect, sync_playwright
from refresh_notebooks import FOLDER, read

PICTURES = FOLDER / "images"
HEIGHT, MARGIN = 1600, 8
MOST_BYTES, COLOURS = 60_000, 128
WAIT_MS = 300_000
# Where the mouse and the keyboard are is nothing of the widget.
UNFOCUSED = ".gw *:focus, .gw *:focus-visible { outline: none !important; box-shadow: none; }"


@dataclass(frozen=True)
class Scene:
    """A widget by its name for screen readers, the cells that make it, and what is then done."""

    widget: str
    cells: str
    more: tuple[str, ...]
    bring: Callable[[Locator], None]
    width: int = 860  # of the page, in CSS pixels
    scale: float = 1.5


def recorder(widget: Locator) -> None:
    """The recording is written down."""
    widget.get_by_role("button", name="Transcribe", exact=True).click()
    expect(widget.get_by_role("button", name="Good morning")).to_be_visible()


def picker(widget: Locator) -> None:
    """All pictures are there."""
    expect(widget.locator(".gw-picker-card img")).to_have_count(3)


def chat(widget: Locator) -> None:
    """Two questions are answered."""
    expect(widget.locator(".gw-chat-totals")).to_contain_text("2 answers")


def speech(widget: Locator) -> None:
    """The sound has come, and a part of it was heard."""
    position = widget.get_by_role("slider", name="Position")
    expect(widget.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    for _ in range(3):
        position.press("PageUp")
    expect(position).not_to_have_attribute("aria-valuetext", re.compile("^0.0 of"))


def playground(widget: Locator) -> None:
    """A question is answered, and its code is offered."""
    expect(widget.get_by_role("button", name="Copy as Python")).to_be_visible()


def meter(widget: Locator) -> None:
    """The last call has ended and is counted."""
    expect(widget).not_to_contain_text("held")
    expect(widget.get_by_role("meter", name="TPM").first).to_have_attribute(
        "aria-valuenow", re.compile("[4-9].")
    )


def monitor(widget: Locator) -> None:
    """One batch has ended and another is under way."""
    status = widget.locator(".gw-batch-status")
    expect(status.filter(has_text="completed")).to_have_count(1)
    # The monitor itself looks but now and then.
    while not re.search(r"\b[1-9]\d%: ", widget.inner_text()):
        assert status.filter(has_text="completed").count() == 1, "the second has ended, too"
        widget.get_by_role("button", name="Refresh").click()
        widget.page.wait_for_timeout(500)


# As short as can be: what is to be seen is how much was asked.
ASK = """def tell(text, model):
    messages = [{"role": "user", "content": text}]
    client.chat.completions.create(model=model, messages=messages, max_completion_tokens=1)

"""
SCENES = {
    "18_audio_recorder": Scene("Audio recorder", "01", (), recorder),
    "19_image_picker": Scene("Image picker", "01 07", (), picker),
    "20_chat_panel": Scene("Chat", "01 03 04", (), chat),
    "21_speech_player": Scene("Speech player", "01", (), speech),
    "22_playground": Scene("Playground", "01 03 03", (), playground, 1000, 1.1),
    "56_usage_meter": Scene(
        "Usage meter",
        "01 03",
        (
            "budget = groqnb.budget(0.01, notional=True)",
            ASK + "for n in range(20):\n    tell('Go on.', models[1])",
            "for n in range(3):\n    tell('The Nile flows to the north. ' * 400, models[0])",
        ),
        meter,
    ),
    "57_batch_monitor": Scene(
        "Batch monitor",
        "01 02 03 04 06",
        (
            "many = [line(f'n{n}', f'Visit {n} was not bad at all.') for n in range(1000)]",
            "groqnb.BatchMonitor([batch, start(many, 'all visits')])",
        ),
        monitor,
    ),
}


def main(names: list[str]) -> int:
    """Refresh the pictures with these names, or all; 0, or 1 when one is too large."""
    wanted = [name.removesuffix(".ipynb") for name in names] or list(SCENES)
    too_large = 0
    expect.set_options(timeout=WAIT_MS)
    model = os.environ.get("GROQNB_LOCAL_MODEL", "default")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as data:
        # Limits, costs and batches of these runs alone.
        os.environ["GROQNB_DATA_DIR"] = data
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        with Lab(model=model) as lab:
            shutil.copytree(FOLDER / "data", lab.notebooks / "data")
            for name in wanted:
                with Tabs(browser, lab, name) as open_notebook:
                    content = taken(open_notebook, name, SCENES[name])
                (PICTURES / f"{name}.png").write_bytes(content)
                print(f"{name}: {len(content) / 1000:.0f} kB", flush=True)
                too_large |= len(content) > MOST_BYTES
        browser.close()
    return int(too_large)


def taken(open_notebook: Tabs, name: str, scene: Scene) -> bytes:
    """The picture of a scene, as a PNG."""
    cells = [*sources(FOLDER / f"{name}.ipynb", scene.cells.split()), *scene.more]
    size = {"width": scene.width, "height": HEIGHT}
    notebook = open_notebook(cells, viewport=size, device_scale_factor=scene.scale)
    notebook.page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    for index in range(len(cells)):
        notebook.run(index, seconds=WAIT_MS / 1000)
    widget = notebook.page.get_by_role("group", name=scene.widget, exact=True).last
    scene.bring(widget)
    return png(shot(notebook, widget))


def sources(path: Path, numbers: list[str]) -> list[str]:
    """The sources of the cells of a notebook whose ids end with these numbers."""
    cells = {cell.id[-2:]: str(cell.source) for cell in read(path).cells}
    return [cells[number] for number in numbers]


def shot(notebook: NotebookPage, widget: Locator) -> bytes:
    """What the page shows of the widget."""
    page = notebook.page
    page.add_style_tag(content=UNFOCUSED)
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    widget.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    return widget.screenshot()


def png(seen: bytes) -> bytes:
    """The picture without its empty edges, in few colours."""
    image = Image.open(io.BytesIO(seen)).convert("RGB")
    paper = Image.new("RGB", image.size, image.getpixel((0, 0)))
    box = ImageChops.difference(image, paper).getbbox()
    assert box is not None, "nothing is seen"
    left, top, right, bottom = box
    framed = Image.new("RGB", (right - left + 2 * MARGIN, bottom - top + 2 * MARGIN), "white")
    framed.paste(image.crop(box), (MARGIN, MARGIN))
    small = io.BytesIO()
    framed.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
