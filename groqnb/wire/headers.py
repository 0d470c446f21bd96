"""A reply's HTTP headers as a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Headers"]


class Headers(Mapping[str, str]):
    """Names in lower case, looked up in any case; a name that came twice is joined by commas.

    ```python
    Headers([(b"Retry-After", b"2")])["retry-after"]  # '2'
    ```
    """

    __slots__ = ("_fields", "_raw")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._raw = raw
        self._fields: dict[str, str] | None = None

    def _read(self) -> dict[str, str]:
        """Decoded at the first look: most replies' headers are never looked at."""
        fields = self._fields
        if fields is None:
            fields = {}
            for name, value in self._raw:
                key, text = name.decode("latin-1").lower(), value.decode("latin-1")
                fields[key] = f"{fields[key]}, {text}" if key in fields else text
            self._fields = fields
        return fields

    def __getitem__(self, name: str) -> str:
        return self._read()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return f"Headers({self._read()!r})"
