"""What may be sent in a minute: told by the user, by headers, by refusals, by the catalogue.

The headers tell requests a day and tokens a minute, and never requests a minute (RPM). Where the
tokens a minute are those of the catalogue, the plan is the free one, and its RPM holds; on other
plans the RPM is unknown until a refusal tells it ("… on requests per minute (RPM): Limit 30 …").

An engine on this machine tells limits that it does not enforce: they hold from its first refusal.
The flex tier has ten times the limits, and so has `auto`, which goes on to flex (docs: "Flex
Processing").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from groqnb import catalog
from groqnb.types.errors import ParameterError
from groqnb.types.rate_limit import RateLimit

__all__ = ["Limits", "check_limits"]

_NAMES = ("RPM", "TPM")
_TOLD = re.compile(r"\((RPM|TPM)\)\W*limit\W*(\d+)", re.IGNORECASE)
_FLEX_FACTOR = 10


def check_limits(limits: Mapping[str, float] | None) -> dict[str, float]:
    """The limits a user gives, by name. Raises ParameterError for what is none."""
    found: dict[str, float] = {}
    for name, value in (limits or {}).items():
        upper = str(name).upper()
        if upper not in _NAMES:
            raise ParameterError(
                f"There is no limit {name!r} to keep to.",
                hint="RPM (requests a minute) and TPM (tokens a minute) are kept; those of a day, "
                "and of seconds of audio, are waited for when the server refuses.",
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise ParameterError(f"The limit {upper} is {value!r}; it is a number above 0.")
        found[upper] = float(value)
    return found


class Limits:
    """The limits of one model for one key.

    Attributes:
        per_minute: by "RPM" and "TPM"; what is not known is not in it.

    ```python
    >>> Limits("llama-3.1-8b-instant", "cloud").per_minute
    {'RPM': 30, 'TPM': 6000}

    ```
    """

    def __init__(
        self,
        model: str,
        target: str,
        *,
        given: Mapping[str, float] | None = None,
        tier: str | None = None,
    ) -> None:
        self._given = dict(given or {})
        self._factor = _FLEX_FACTOR if tier in ("flex", "auto") else 1
        self._local = target == "local"
        self._refused = False
        info = catalog.find(model)
        self._listed = {} if info is None else {n: info.limits.get(n) for n in _NAMES}
        self.per_minute: dict[str, float] = dict(self._given)
        if target == "cloud":
            for name, value in self._listed.items():
                if value is not None:
                    self.per_minute.setdefault(name, value * self._factor)
        self._guessed = target == "cloud" and "RPM" not in self._given
        self._heard = 0

    def hear(self, told: RateLimit, local: bool) -> bool:
        """Take in a reply's headers; True where they changed what is known."""
        self._local = self._local or local
        limit = told.limit_tokens
        if limit is None or limit == self._heard or not self._enforced:
            return False
        self._heard = limit
        before = dict(self.per_minute)
        if "TPM" not in self._given:
            self.per_minute["TPM"] = limit * self._factor
        if self._guessed and limit != self._listed.get("TPM"):
            # Another plan than the catalogue's: its requests a minute are not known.
            self.per_minute.pop("RPM", None)
            self._guessed = False
        return before != self.per_minute

    def refused(self, message: str) -> bool:
        """Take in the words of a 429; True where they changed what is known."""
        self._refused = True
        before = dict(self.per_minute)
        for name, value in _TOLD.findall(message):
            if name.upper() not in self._given and int(value) > 0:
                # A refusal tells the limit that was applied, of whichever tier it was.
                self.per_minute[name.upper()] = int(value)
                if name.upper() == "RPM":
                    self._guessed = False
        return before != self.per_minute

    @property
    def _enforced(self) -> bool:
        return self._refused or not self._local

    @property
    def listens(self) -> bool:
        """True where what the headers say is left is all that is left."""
        return self._enforced and self._factor == 1
