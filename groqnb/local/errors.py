"""What can go wrong on the way to a running engine.

```
EngineError(RuntimeError)     .hint: what to do next
├─ EngineNotInstalled         the packages of the extra "local" are missing
├─ WeightsUnavailable         no source had the weights, or no such file
├─ WeightsCorrupt             a file is not what its checksum promises
├─ DiskFull                   not enough room for the download
├─ PortTaken                  something else listens there
├─ EngineStartFailed          the engine's process did not come up; .log_tail says why
└─ BadOption                  an option of `groqnb serve` or `groqnb setup` makes no sense
```
"""

from __future__ import annotations

__all__ = [
    "BadOption",
    "DiskFull",
    "EngineError",
    "EngineNotInstalled",
    "EngineStartFailed",
    "PortTaken",
    "WeightsCorrupt",
    "WeightsUnavailable",
]


class EngineError(RuntimeError):
    """The local engine cannot run. `str()` is one short sentence; `.hint` says what to do next.

    >>> error = EngineError("The engine stopped.", "Run the cell again.")
    >>> error.hint
    'Run the cell again.'
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class EngineNotInstalled(EngineError):
    """A package of the extra "local" is missing: `pip install "groqnb[local]"` brings it."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"The local engine needs the package {package!r}, which is not installed.",
            'Install it with: pip install "groqnb[local]"',
        )
        self.package = package


class WeightsUnavailable(EngineError):
    """The weights are not on this machine and no source could deliver them."""


class WeightsCorrupt(EngineError):
    """A file of weights does not match the checksum in the manifest; it was deleted or refused."""


class DiskFull(EngineError):
    """There is not enough free disk space for the weights."""


class PortTaken(EngineError):
    """The port asked for is in use."""


class EngineStartFailed(EngineError):
    """The engine's process ended before it was ready. `.log_tail` holds its last lines."""

    def __init__(self, message: str, hint: str = "", log_tail: str = "") -> None:
        super().__init__(message, hint)
        self.log_tail = log_tail


class BadOption(EngineError):
    """An option on the command line makes no sense."""
