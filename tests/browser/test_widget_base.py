"""The ground of all widgets in real front ends: bytes both ways, results saved, no kernel told."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import expect

from .tabs import Tabs

pytestmark = pytest.mark.browser

# A widget of the tests' own, written in a cell: what comes from the page goes back to it.
ECHO = '''
import hashlib
import groqnb.widgets.base as base
from groqnb.render.html import el
from groqnb.widgets import esm

SCRIPT = """
import { define, el, button } from "./shared.js";
export default define({
  label: "Echo",
  render(gn) {
    const go = button("Send", { class: "gw-primary" });
    const fill = el("input", { "aria-label": "Bytes", value: "3000000" });
    gn.controls.append(el("div", { class: "gw-row" }, go, fill));
    gn.listen(go, "click", async () => {
      const bytes = new Uint8Array(Number(fill.value)).map((_, i) => (i * i) % 251);
      const upload = gn.link.upload("bytes");
      for (let i = 0; i < bytes.length; i += 700_000) upload.write(bytes.slice(i, i + 700_000));
      const { digest } = await upload.finish({ of: "bytes" });
      const back = new Uint8Array(await (await gn.link.fetch("back")).arrayBuffer());
      const same = back.length === bytes.length && back.every((byte, i) => byte === bytes[i]);
      gn.say(`${digest} ${same}`);
    });
  },
});
"""
NAMES = {"echo": SCRIPT}
read, esm._read = esm._read, lambda file: NAMES.get(file.removesuffix(".js")) or read(file)

class Echo(base.Widget, static="echo"):
    """Sends back what it gets."""
    shows_result = True
    digest = ""
    def _received(self, name, data, meta):
        self.digest = hashlib.sha256(data).hexdigest()
        self._offer("back", data, "application/octet-stream")
        self._show_result()
        return {"digest": self.digest}
    def _result(self):
        return ([el("p", f"<b> {self.digest}")], self.digest) if self.digest else ([], "")

echo = Echo()
echo'''


def test_bytes_go_both_ways_and_the_result_is_saved(open_notebook: Tabs, front: str) -> None:
    """3 MB arrive whole and come back whole; what came of it stands in the saved notebook."""
    notebook = open_notebook([ECHO], front=front)
    notebook.run(0)
    group = notebook.page.get_by_role("group", name="Echo")
    group.get_by_role("button", name="Send").click()
    expect(group.get_by_role("status")).to_contain_text("true", timeout=60_000)
    digest = notebook.kernel("print(echo.digest)")
    assert group.get_by_role("status").inner_text() == f"{digest} true"
    assert digest == notebook.kernel(
        "print(hashlib.sha256(bytes(i * i % 251 for i in range(3000000))).hexdigest())"
    )
    expect(notebook.page.locator(".jp-OutputArea")).to_contain_text(f"<b> {digest}")
    view, result = notebook.outputs(0)
    assert view["data"]["text/plain"] == "Echo()"
    assert result["data"]["text/plain"] == digest

    # Jupyter's own keys do nothing while the widget has the focus: "d", "d" deletes cells.
    group.get_by_role("button", name="Send").focus()
    notebook.page.keyboard.type("ddxa")
    assert len(notebook.page.evaluate("probe.sources()")) == 1


def test_a_page_that_was_loaded_anew_says_what_is_not_saved(open_notebook: Tabs) -> None:
    """The widget goes on, and its result is no longer brought up to date; shown again, it is."""
    notebook = open_notebook([ECHO, "echo"])
    notebook.run(0)
    told = notebook.page.locator(".gw-unsaved")

    def send(text: str) -> None:
        group = notebook.page.get_by_role("group", name="Echo").last
        group.get_by_role("textbox").fill(text)
        group.get_by_role("button", name="Send").click()
        expect(group.get_by_role("status")).to_contain_text("true")

    send("10")
    notebook.page.wait_for_timeout(4000)
    expect(told).to_be_hidden()
    notebook.save()
    notebook.page.reload()
    notebook.page.wait_for_function("window.probe.ready()", timeout=60_000)
    notebook.page.get_by_role("group", name="Echo").wait_for()
    notebook.page.wait_for_timeout(4000)
    expect(told).to_be_hidden()
    send("20")
    expect(told).to_contain_text("not saved under this cell")
    notebook.run(1)
    send("30")
    notebook.page.wait_for_timeout(4000)
    expect(told.last).to_be_hidden()
    digest = notebook.kernel("print(echo.digest)")
    assert [each["data"]["text/plain"] for each in notebook.outputs(1)] == ["Echo()", digest]


def test_reopened_without_a_kernel_it_shows_its_result(open_notebook: Tabs) -> None:
    """Saved, closed and opened again untrusted: the result can be read, and why nothing runs."""
    notebook = open_notebook([ECHO])
    notebook.run(0)
    group = notebook.page.get_by_role("group", name="Echo")
    group.get_by_role("textbox").fill("10")
    group.get_by_role("button", name="Send").click()
    expect(group.get_by_role("status")).to_contain_text("true")
    digest = notebook.kernel("print(echo.digest)")
    again = open_notebook.reopen(notebook)
    saved = nbformat.read(notebook.save(), as_version=4)
    assert "widgets" not in saved.metadata, "the notebook would carry the widget's script"
    assert not again.trusted(0)
    assert digest in again.seen(0)
    assert "run this cell" in again.seen(0)
