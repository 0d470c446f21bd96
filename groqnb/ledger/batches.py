"""What a batch may cost: the sum of the requests in its file, at the price of batches.

The file is read when it is uploaded, which is when this process has it in hand. A batch over a file
that another process uploaded has no estimate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from groqnb.ledger.estimates import estimate
from groqnb.wire.call import Call

if TYPE_CHECKING:
    from groqnb.wire.multipart import FileContent

__all__ = ["BatchFiles", "cost_of_file"]

_MOST_FILES = 1_000
_VERSION = "/v1"


class BatchFiles:
    """The files for batches that this process uploaded, by their ids."""

    def __init__(self) -> None:
        self._costs: OrderedDict[str, float | None] = OrderedDict()
        # What counts as spent for batches whose results nobody has read yet, by their files.
        self._counted: OrderedDict[str, float] = OrderedDict()

    def note(self, event: Any) -> None:
        """Look whether a call that ended was the upload of such a file, or started a batch."""
        if type(event).__name__ != "Finished":
            return
        call = event.sent_call
        if event.path == "/batches" and call is not None and call.method == "POST":
            self._count(str((call.body or {}).get("input_file_id")))
        if event.path != "/files":
            return
        if call is None or call.form is None or (call.body or {}).get("purpose") != "batch":
            return
        if call.form.file is not None:
            self._costs[event.reply.id] = cost_of_file(call.form.file)
        while len(self._costs) > _MOST_FILES:
            self._costs.popitem(last=False)

    def put(self, file_id: str, usd: float | None) -> None:
        """Note what the batch over a file may cost, where somebody knows without reading it."""
        self._costs[file_id] = usd

    def _count(self, file_id: str) -> None:
        usd = self._costs.get(file_id)
        if usd is not None:
            self._counted[file_id] = usd
            while len(self._counted) > _MOST_FILES:
                self._counted.popitem(last=False)

    def counted(self, file_id: str) -> float | None:
        """What was counted for the batch over a file, once: what it cost takes its place."""
        return self._counted.pop(file_id, None)

    def cost_of(self, call: Call[Any]) -> float | None:
        """US dollars that the batch which `call` starts may cost; None where nobody knows."""
        return self._costs.get(str((call.body or {}).get("input_file_id")))


def cost_of_file(file: FileContent) -> float | None:
    """US dollars for all requests of a JSONL file; None when a price or the file is unknown.

    ```python
    cost_of_file(file_content("requests.jsonl", most=None))  # 0.0123
    ```
    """
    from pydantic_core import from_json

    total = 0.0
    try:
        for line in _lines(file):
            row = from_json(line)
            body, url = row.get("body"), str(row.get("url"))
            if not isinstance(body, Mapping):
                continue
            call = Call("POST", url.removeprefix(_VERSION), dict, body=body)
            usd = estimate(call, batch=True)
            if usd is None:
                return None
            total += usd
    except (OSError, ValueError, AttributeError):
        # What is no file of requests, the server refuses.
        return None
    return total


def _lines(file: FileContent) -> Iterator[bytes]:
    pieces, rest = file.open(), b""
    try:
        while piece := pieces.read():
            *whole, rest = (rest + piece).split(b"\n")
            yield from (line for line in whole if line.strip())
    finally:
        pieces.close()
    if rest.strip():
        yield rest
