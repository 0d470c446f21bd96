"""What every widget of groqnb stands on: how to write one.

::

    class Picker(Widget, static="picker"):  # static/picker.js, and picker.css if any
        '''Its docstring, as of every public name.'''

        asks = frozenset({"load"})  # what the page may ask for, by name
        shows_result = True  # a display under it, saved with the notebook
        side = Int(2048).tag(sync=True, option=True)  # a keyword of the constructor, and live

        def __init__(self, images=(), **options):  # unknown keywords raise ParameterError
            super().__init__(**options)

        def _ask_load(self, content):  # the page: await gn.link.ask("load", {…})
            return {"shown": len(content["url"])}  # JSON; or raise: the page gets the message

        def _received(self, name, data, meta):  # the page: gn.link.upload(name), .write(),
            ...  # await .finish(meta) -> what this returns

        def _result(self):  # parts made with render.html
            return [el("p", "2 pictures")], "2 pictures"  # for text/html, for text/plain

In JavaScript, `static/shared.js` tells what `gn` has. `gn.controls` is a fieldset, off as a whole
where there is no kernel; `gn.say(text)` and `gn.fail(text)` speak to the person; everything
registered by `gn.listen`, `gn.on`, `gn.onClose` ends with the view.

- **Names**: classes of style sheets start with ``gw-``, those of one widget with ``gw-NAME-``.
  Scripts are plain modules with their imports on one line (see esm.py), so that several widgets
  may share more files: ``import { Microphone } from "./microphone.js";``.
- **State** is for small settings. Bytes go by `gn.link.upload` (page to kernel) and by
  `self._offer(name, data, mime)` with `await gn.link.fetch(name)` (kernel to page), both in pieces
  of 512 KiB that survive a lost connection. No secret is ever put in a trait.
- **Threads**: with ipykernel 7 `_ask_…` and `_received` run beside a running cell, on another
  thread; with ipykernel 6 between cells. Take `self._lock` to change what both sides use, and never
  keep it while waiting. What takes long goes to `self._in_background(function)`; nothing ever
  waits for the page.
- **Messages** to the page: `self._tell("delta", text="…")`, heard as
  ``gn.model.on("msg:custom", (m) => m.kind === "delta" …)``. `self._set(error="…")` sets traits.
- **Results**: call `self._show_result()` after a change. It updates the display under the widget,
  which is saved with the notebook, from any thread, without running a cell.
- **Devices**: where the page may not use one, `gn.offerTab("Record in a browser tab")` offers the
  same widget in a tab of its own, served by `loopback.py`; nothing else has to be done for it.
- **Errors** that leave `_ask_…`, `_received` or a background function are shown on the page.
"""

from __future__ import annotations

import inspect
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
from traitlets import Dict, TraitError, Unicode

from groqnb.render.html import Child, el, page
from groqnb.render.message import Bundle
from groqnb.render.plain import clean
from groqnb.render.stream import current_shell
from groqnb.types.errors import ParameterError
from groqnb.widgets.esm import script, style
from groqnb.widgets.messages import Replies, plain_error
from groqnb.widgets.saved import saved
from groqnb.widgets.transfer import LARGEST_PIECE, Uploads

if TYPE_CHECKING:
    from groqnb.widgets.loopback import LoopbackPage

__all__ = ["Widget"]

_VIEW = "application/vnd.jupyter.widget-view+json"
_MOST_BYTES = 200_000_000


class Widget(anywidget.AnyWidget):
    """A widget with groqnb's transport, errors and saved results; see the module's docstring.

    `error` is what the page shows as gone wrong, "" for nothing.
    """

    asks: ClassVar[frozenset[str]] = frozenset()
    shows_result: ClassVar[bool] = False
    most_bytes: ClassVar[int] = _MOST_BYTES

    _static: ClassVar[str] = ""
    _page: LoopbackPage | None = None

    error = Unicode("").tag(sync=True)
    _gn_key = Unicode("").tag(sync=True)
    _gn_saved = Unicode("").tag(sync=True)  # the name of what stands under the widget
    _gn_offers = Dict({}).tag(sync=True)

    def __init_subclass__(cls, static: str = "", **kwargs: Any) -> None:
        if static:
            cls._static = static
            cls._esm = script(static)
            cls._css = style(static)
        super().__init_subclass__(**kwargs)

    def __init__(self, **options: Any) -> None:
        self._refuse_unknown(options)
        key = secrets.token_hex(16)
        self._lock = threading.RLock()
        self._uploads = Uploads(self.most_bytes)
        self._replies = Replies()
        self._offered: dict[str, bytes] = {}
        self._display_id = secrets.token_hex(16)
        self._displayed = False
        try:
            super().__init__(model_id=key, _gn_key=key, **options)
        except TraitError as error:
            raise ParameterError(str(error)) from None
        # ipykernel 7.4 sends what the page says to the shell that last spoke to it. A word from a
        # thread would then let the page wait for the end of a running cell: stay where it asks.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda data, default: default

    # -- what a widget overrides

    def _received(self, name: str, data: bytes, meta: Mapping[str, Any]) -> Any:
        """Take what the page uploaded; what is returned (JSON) is the page's answer."""
        raise ParameterError(f"{type(self).__name__} takes no {name}.")

    def _result(self) -> tuple[Sequence[Child], str]:
        """What is saved with the notebook: the parts of its HTML, and plain text."""
        return [], ""

    def _summary(self) -> str:
        """What stands in the brackets of `repr`; no address, no time of day, no secret."""
        return ""

    # -- what a widget uses

    def _set(self, **traits: Any) -> None:
        """Set traits, from any thread."""
        with self._lock:
            for name, value in traits.items():
                setattr(self, name, value)

    def _tell(self, kind: str, buffers: Sequence[bytes] = (), **content: Any) -> None:
        """Send a message to the page; each buffer at most 512 KiB."""
        message = {"kind": kind, **content}
        if self.comm is not None:
            self.send(message, buffers=list(buffers))
        if self._page is not None:
            self._page.tell(message, buffers)

    def _offer(self, name: str, data: bytes | None, mime: str = "", **about: Any) -> None:
        """Let the page fetch `data` under a name; None takes it away."""
        with self._lock:
            offers = dict(self._gn_offers)
            if data is None:
                offers.pop(name, None)
                self._offered.pop(name, None)
            else:
                self._offered[name] = data
                version = secrets.token_hex(4)
                offers[name] = {"size": len(data), "mime": mime, "version": version, **about}
            self._gn_offers = offers

    def _in_background(self, function: Callable[[], object]) -> threading.Thread:
        """Run `function` in a thread of its own; what it raises is shown on the page."""

        def run() -> None:
            try:
                function()
            except Exception as error:  # noqa: BLE001 - nobody else would see it
                self._set(error=plain_error(error))

        thread = threading.Thread(target=run, name=f"groqnb-{type(self).__name__}", daemon=True)
        thread.start()
        return thread

    def _show_result(self) -> None:
        """Bring the display under the widget up to date, if the widget is displayed."""
        shell = current_shell()
        if shell is not None and self._displayed:
            self._publish_result(shell, update=True)

    # -- display

    def __repr__(self) -> str:
        return f"{type(self).__name__}({clean(self._summary())})"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._view_bundle(), {}

    def _ipython_display_(self, **_: Any) -> None:
        shell = current_shell()
        if shell is None:
            print(self)
            return
        shell.display_pub.publish(data=self._view_bundle(), metadata={})
        if self.shows_result:
            self._displayed = True
            self._publish_result(shell, update=False)

    def _view_bundle(self) -> dict[str, Any]:
        """The widget, and beside it what is to be seen where there is none."""
        note = f"{type(self).__name__}: run this cell to use it. It needs a running kernel."
        parts: list[Child] = [el("p", note, class_="gn-about")]
        if not self.shows_result:
            parts = [*self._result()[0], *parts]
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": page(*parts)}
        if self.comm is not None:
            bundle[_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle

    def _result_bundle(self) -> Bundle:
        return saved(*self._result())[0]

    def _publish_result(self, shell: Any, *, update: bool) -> None:
        bundle, name = saved(*self._result())
        transient = {"display_id": self._display_id}
        shell.display_pub.publish(data=bundle, metadata={}, transient=transient, update=update)
        self._set(_gn_saved=name)

    # -- messages

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        try:
            if kind == "gn-piece":
                self._take_piece(content, buffers)
            elif kind == "gn-ask":
                self._answer(content)
            else:
                super()._handle_custom_msg(content, buffers)
        except Exception as error:  # noqa: BLE001 - raised here, it would vanish in a log
            self._set(error=plain_error(error))

    def _take_piece(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        upload, piece = str(content["id"]), bytes(buffers[0])
        try:
            have = self._uploads.add(upload, int(content["offset"]), piece)
        except ParameterError as error:
            self._tell("gn-refused", id=upload, error=plain_error(error))
            return
        self._tell("gn-ack", id=upload, next=have)

    def _answer(self, message: Mapping[str, Any]) -> None:
        ask, what = str(message["id"]), str(message["what"])
        content = message.get("content") or {}
        if what == "gn-get":
            self._give(ask, content)
            return
        before = self._replies.begin(ask)
        if before is not None:  # asked again: the reply was lost, or it is still being worked on
            if before:
                self._tell("gn-reply", **before)
            return
        try:
            reply: dict[str, Any] = {"id": ask, "value": self._called(what, content)}
        except Exception as error:  # noqa: BLE001 - the page shows it
            reply = {"id": ask, "error": plain_error(error)}
        self._replies.end(ask, reply)
        self._tell("gn-reply", **reply)

    def _called(self, what: str, content: Mapping[str, Any]) -> Any:
        if what == "gn-finish":
            upload, size = str(content["upload"]), int(content["size"])
            data = self._uploads.finish(upload, size)
            if data is None:
                return {"missing": self._uploads.have(upload)}
            return {"value": self._received(str(content["name"]), data, content.get("meta") or {})}
        if what == "gn-drop":
            self._uploads.drop(str(content["upload"]))
            return None
        if what == "gn-page":
            return {"url": self._open_page()}
        if what not in self.asks:
            raise ParameterError(f"{type(self).__name__} is not asked for {what!r}.")
        return getattr(self, f"_ask_{what}")(content)

    def _open_page(self) -> str:
        """Serve this widget to a tab of its own; its address. Raises ParameterError."""
        from groqnb.widgets.loopback import LoopbackPage, refuse_remote

        refuse_remote()
        with self._lock:
            if self._page is not None:
                self._page.close()
            self._page = LoopbackPage(self, self._static)
            return self._page.url

    def close(self) -> None:
        """Close the widget; its views go, and free the microphone and the camera."""
        if self._page is not None:
            self._page.close()
        super().close()

    def _give(self, ask: str, content: Mapping[str, Any]) -> None:
        """One piece of what was offered."""
        name, start = str(content["name"]), max(0, int(content["from"]))
        with self._lock:
            data, offer = self._offered.get(name), self._gn_offers.get(name)
        if data is None or offer is None:
            self._tell("gn-reply", id=ask, value=None)
            return
        piece = data[start : start + LARGEST_PIECE]
        self._tell("gn-reply", [piece], id=ask, value=offer)

    @classmethod
    def _refuse_unknown(cls, options: Mapping[str, Any]) -> None:
        known = {name for name, trait in cls.class_traits(option=True).items()}
        for base in cls.__mro__:
            if "__init__" in vars(base) and issubclass(base, Widget):
                parameters = inspect.signature(base.__init__).parameters.values()
                known |= {each.name for each in parameters if each.kind is not each.VAR_KEYWORD}
        known.discard("self")
        unknown = [name for name in options if name not in known]
        if not unknown:
            return
        from difflib import get_close_matches

        near = get_close_matches(unknown[0], known, n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        takes = f"It takes {', '.join(sorted(known))}." if known else "It takes none."
        raise ParameterError(
            f"{cls.__name__} has no option {unknown[0]!r}.", hint=f"{guess}{takes}"
        )
