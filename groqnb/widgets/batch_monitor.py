"""`groqnb.BatchMonitor`: batches while they run. Docs: Batch Processing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from traitlets import Dict

from groqnb.render.batches import batches_html, batches_plain
from groqnb.render.html import Child
from groqnb.types.batches import BatchCard
from groqnb.types.errors import GroqnbError, ParameterError
from groqnb.watching.choosing import given_as, id_of, of_map, own_client, wish
from groqnb.watching.following import Follower, passes
from groqnb.watching.listing import costs_of
from groqnb.watching.rows import frame_of, name_of
from groqnb.widgets.base import Widget
from groqnb.widgets.batch_told import lines_of, told
from groqnb.widgets.messages import plain_error

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.client import Groq

__all__ = ["BatchMonitor"]

_PATIENCE = 3.0  # s that a cell waits for the first look
_AWAY = 600.0  # s without a word from any page, after which nobody is taken to look on
_MOST_DOWNLOAD = 100_000_000  # bytes that go to a page; what is larger, Python saves


class BatchMonitor(Widget, static="batch_monitor"):
    """Batches while they run: status, progress, time left, expiry, errors and results, live.

    `batches` is one batch (what `client.batches.create` returned, or its id) or several; without it
    all are shown that have not ended. `name` shows those of the map with that name
    (`df.groq.map(…, tier="batch", resume="reviews")`), else those with it in their metadata.
    `client` asks the server; by default it is the session's.

    The server is looked at in the background, after a second and then ever less often, at most
    every 30 seconds, until all have ended, the monitor is closed or no page shows it any more. No
    cell waits for it, and a failing network is told and tried again. The time left is a range, and
    stays empty where too little was seen. A button cancels a batch, after a question.

    Attributes:
        value: the batch as it was seen last; a list of them where several, or none, were named.
        trouble: why the last look failed, "" when it went well.

    Raises ParameterError for what is no batch, for a name that none has, and for unknown keywords;
    NotFoundError for an id that the server does not know; what a call raises that the server
    refuses.

    ```python
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    monitor = groqnb.BatchMonitor(batch)
    monitor  # at the end of a cell
    client.batches.wait(batch.id)
    monitor.results()
    ```

    Docs: Batch Processing, Check Batch Status.
    """

    asks: ClassVar[frozenset[str]] = frozenset({"seen", "gone", "refresh", "cancel", "load", "had"})
    shows_result: ClassVar[bool] = True

    state = Dict().tag(sync=True)

    def __init__(
        self,
        batches: BatchCard | str | Sequence[BatchCard | str] | None = None,
        *,
        name: str | None = None,
        client: Groq | None = None,
        **options: Any,
    ) -> None:
        self._refuse_unknown(options)
        given = given_as(batches)
        self._one = len(given) == 1 and given[0] is batches
        ids = [id_of(each) for each in given]
        if name is not None and ids:
            raise ParameterError("Both batches and a name were given.", hint="Give one of them.")
        self._closed = False
        self._client, self._own_client = own_client(client)
        super().__init__(**options)
        self._views: dict[str, float] = {}
        self._cancelling: set[str] = set()
        self._saved: Any = None
        maps = of_map(name)
        self._follower = Follower(
            self._client,
            ids=ids or maps,
            wanted=None if ids or maps else wish(name),
            more=(lambda: of_map(name)) if maps else tuple,
            known=[each for each in given if isinstance(each, BatchCard)],
            tell=self._show,
        )
        self._show()
        self._follower.start()
        if len(self._follower.batches) < len(ids) or not ids:
            self._first_look(name)

    # --- what is there ---

    @property
    def value(self) -> BatchCard | list[BatchCard] | None:
        """The batch as it was seen last, None before that; a list where several were meant."""
        found = self._follower.batches
        if self._one:
            return found[0] if found else None
        return found

    @property
    def trouble(self) -> str:
        """Why the last look failed; "" when it went well."""
        error = self._follower.trouble
        return "" if error is None else plain_error(error)

    def refresh(self) -> None:
        """Look now, and wait for it. Raises what a call raises.

        ```python
        monitor.refresh()
        monitor.value.request_counts
        ```
        """
        self._follower.search()
        self._follower.look()
        self._follower.start()
        self._show()

    def to_frame(self) -> pd.DataFrame:
        """The batches as they were seen last, with the columns of `groqnb.batches`."""
        found = self._follower.batches
        return frame_of(found, costs_of(found, self._client.target.kind))

    def results(self, batch: BatchCard | str | None = None) -> pd.DataFrame:
        """What came out: a row for each line of the output and error files of these batches.

        `text` is the answer, or `error` says why there is none; `custom_id` tells which request it
        was, `body` has all of the reply. `cost` is in US dollars at the price of batches. `batch`
        is one of them, where only its results are wanted.

        Raises ParameterError for a batch that has not ended, GroqnbError for one that failed as a
        whole, and what a download raises.

        ```python
        results = monitor.results().set_index("custom_id")
        df["answer"] = results.text.reindex(df.id).to_numpy()
        ```

        Docs: Batch Processing, Retrieve Batch Results.
        """
        from groqnb.watching.results import results_of

        wanted = self._follower.batches if batch is None else [self._known(id_of(batch))]
        if batch is None and any(not one.ended for one in wanted):
            # It may have ended since the last look.
            self._follower.look()
            wanted = self._follower.batches
        return results_of(self._client, wanted)

    def cancel(self, batch: BatchCard | str | None = None) -> BatchCard:
        """Cancel a batch, the only one or the named one, and return it as it is then.

        For up to ten minutes its status is "cancelling"; what is done until then is kept, and paid.
        Raises ParameterError where it is not clear which one is meant, and what the call raises.

        ```python
        monitor.cancel().status
        ```

        Docs: API Reference, Cancel batch.
        """
        if batch is None:
            left = [one.id for one in self._follower.batches if not one.ended]
            if len(left) != 1:
                which = ", ".join(left) or "none has not ended"
                raise ParameterError(f"Which batch is to be cancelled? There are: {which}.")
            batch = left[0]
        cancelled = self._client.batches.cancel(self._known(id_of(batch)).id)
        self._follower.take(cancelled)
        self._follower.start()
        self._show()
        return cancelled

    def close(self) -> None:
        """Take it away; the server is not looked at any more, the batches go on."""
        if (follower := vars(self).get("_follower")) is not None:
            self._closed = True
            follower.stop()
            if self._own_client:
                self._client.close()
        super().close()

    # --- what the page asks ---

    def _ask_seen(self, content: Mapping[str, Any]) -> None:
        """A page shows it; one that opens, or comes back, wants to know how things are."""
        with self._lock:
            self._views[str(content["view"])] = time.monotonic()
        if content.get("look"):
            self._follower.start()

    def _ask_gone(self, content: Mapping[str, Any]) -> None:
        with self._lock:
            self._views.pop(str(content["view"]), None)
            nobody = not self._views
        if nobody:
            self._follower.stop()

    def _ask_refresh(self, content: Mapping[str, Any]) -> None:
        self._follower.search()
        self._follower.start()

    def _ask_cancel(self, content: Mapping[str, Any]) -> None:
        batch_id = self._known(str(content["id"])).id
        with self._lock:
            if batch_id in self._cancelling:
                return
            self._cancelling.add(batch_id)
        self._set(error="")

        def cancel() -> None:
            try:
                self.cancel(batch_id)
            finally:
                with self._lock:
                    self._cancelling.discard(batch_id)
                self._show()

        self._show()
        self._in_background(cancel)

    def _ask_load(self, content: Mapping[str, Any]) -> None:
        """Fetch a file, so that the page can offer it for saving: "output" or "error"."""
        batch, kind = self._known(str(content["id"])), str(content["kind"])
        file_id = {"output": batch.output_file_id, "error": batch.error_file_id}.get(kind)
        if file_id is None:
            raise ParameterError(f"{batch.id} has no such file.")
        self._set(error="")
        self._in_background(lambda: self._load(f"{batch.id}/{kind}", file_id))

    def _load(self, name: str, file_id: str) -> None:
        try:
            content = self._client.files.content(file_id)
            if (content.size or 0) > _MOST_DOWNLOAD:
                raise ParameterError(
                    f"The file has {(content.size or 0) / 1e6:,.0f} MB, too many for the page.",
                    hint=f'client.files.content("{file_id}").save("results.jsonl") saves it.',
                )
            self._offer(name, content.read(), "application/jsonl")
        except BaseException:
            self._tell("failed", name=name)
            raise

    def _ask_had(self, content: Mapping[str, Any]) -> None:
        """The page has what it loaded."""
        self._offer(str(content["name"]), None)

    # --- within ---

    def _first_look(self, name: str | None) -> None:
        """Wait a moment for it: what is wrong with an id is then told at once."""
        self._follower.first_look.wait(_PATIENCE)
        error: GroqnbError | None = self._follower.trouble
        if error is None and self._follower.missing:
            error = next(iter(self._follower.missing.values()))
        looked = self._follower.first_look.is_set()
        if error is None and name is not None and looked and not self._follower.batches:
            error = ParameterError(
                f"No map, and no batch's metadata, has the name {name!r}.",
                hint='client.batches.create(…, metadata={"name": …}) gives it one.',
            )
        if error is not None and not passes(error):
            self.close()
            raise error

    def _known(self, batch_id: str) -> BatchCard:
        for one in self._follower.batches:
            if one.id == batch_id:
                return one
        shown = ", ".join(self._follower.ids) or "none"
        raise ParameterError(f"{batch_id!r} is not among the batches shown: {shown}.")

    def _show(self) -> None:
        """Bring the page, and what is saved, up to date."""
        if self._closed:
            return
        follower = self._follower
        with self._lock:
            cancelling = set(self._cancelling)
            away = self._views and time.monotonic() - max(self._views.values()) > _AWAY
        if away:
            follower.stop()
        self._set(state=told(follower, cancelling, self.trouble))
        saved = self._result()
        if saved != self._saved:
            self._saved = saved
            self._show_result()

    def _summary(self) -> str:
        return ", ".join(name_of(one) or one.id for one in self._follower.batches)

    def __repr__(self) -> str:
        lines = lines_of(self._follower)
        if not lines:
            return "BatchMonitor: no batch is running"
        return batches_plain(lines, self.trouble)

    def _result(self) -> tuple[Sequence[Child], str]:
        lines = lines_of(self._follower)
        note = self._note()
        if not lines:
            note = note or "No batch is running."
        return [batches_html(lines, note)], batches_plain(lines, note)

    def _note(self) -> str:
        """When it was so, where it will not stay so."""
        seen = self._follower.looked_at
        if self._follower.over or seen is None:
            return ""
        return f"As of {time.strftime('%Y-%m-%d %H:%M', time.gmtime(seen))} UTC."
