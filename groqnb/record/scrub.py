"""Takes secrets out of what is kept: by what they look like, by their names, and by their values.

A key of a known form is found in any text, a prompt or an answer alike. Fields whose name says
that they hold a secret lose their value, and so do the headers and settings that are passed on to
another service. The key that is sent, and what the environment calls a key, token or password, are
found by their values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.types.secret import Secret

__all__ = ["HIDDEN", "Scrubber", "scrubber", "secrets_of_environment"]

HIDDEN = "(secret)"

# Each with one group where only that part is the secret.
_FORMS = [
    re.compile(pattern)
    for pattern in (
        r"\bgsk_[A-Za-z0-9_]{8,}",
        r"\b(?:sk|pk|rk)[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}",
        r"\bgh[pousr]_[A-Za-z0-9]{16,}",
        r"\bgithub_pat_[A-Za-z0-9_]{16,}",
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        r"\bhf_[A-Za-z0-9]{16,}",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"\bAIza[0-9A-Za-z_-]{30,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        r"(?i)\bbearer\s+((?=\S*\d)[A-Za-z0-9._~+/=-]{12,})",
        r"(?i)\bbasic\s+((?=\S*[\d=])[A-Za-z0-9+/=]{12,})",
        r"(?i)\bhttps?://([^\s/@:]*:[^\s/@]+)@",
        r"(?i)[?&](?:[a-z_-]*(?:api[_-]?key|token|secret|passw(?:or)?d|signature)|key|sig|auth)"
        r"=([^&\s\"'#<>]{4,})",
    )
]

_NAMES = {
    "accesstoken",
    "apikey",
    "apitoken",
    "authorization",
    "authtoken",
    "clientsecret",
    "cookie",
    "credentials",
    "idtoken",
    "passwd",
    "password",
    "privatekey",
    "proxyauthorization",
    "refreshtoken",
    "secret",
    "secretkey",
    "setcookie",
    "xapikey",
}
_SETTINGS = {"wolframsettings"}
# A part of a path that no person would choose: some servers take their key there.
_KEY_IN_PATH = re.compile(
    r"(?<=/)(?=[^/?#]*[0-9])(?=[^/?#]*[A-Za-z])[A-Za-z0-9_~.-]{16,}(?=[/?#]|$)"
)

_SECRET_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$")
_SHORTEST_VALUE = 12


def secrets_of_environment(environment: Mapping[str, str] | None = None) -> list[str]:
    """The values of variables that are named as secrets are: `…_KEY`, `…_TOKEN` and the like."""
    return [
        value
        for name, value in (os.environ if environment is None else environment).items()
        if len(value) >= _SHORTEST_VALUE
        and _SECRET_VARIABLE.search(name.upper())
        # Some name the file of a key, which is no secret.
        and not value.startswith(("/", "~", "."))
    ]


class Scrubber:
    """Takes secrets out of texts and of JSON; `known` are values to be found anywhere.

    ```python
    >>> Scrubber().text("My key is gsk_0123456789abcdef.")
    'My key is (secret).'
    >>> Scrubber().value({"authorization": "abc", "text": "token"})
    {'authorization': '(secret)', 'text': 'token'}

    ```
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        # What is shorter may well be a word.
        values = sorted({v for v in known if len(v) >= _SHORTEST_VALUE}, key=len, reverse=True)
        self._forms = [re.compile(re.escape(value)) for value in values] + _FORMS

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where in a text secrets stand, from first to last, none over another."""
        found: list[tuple[int, int]] = []
        for form in self._forms:
            for match in form.finditer(text):
                found.append(match.span(1 if form.groups else 0))
        found.sort()
        merged: list[tuple[int, int]] = []
        for start, end in found:
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def text(self, text: str) -> str:
        """The text with `(secret)` in their place."""
        for start, end in reversed(self.spans(text)):
            text = text[:start] + HIDDEN + text[end:]
        return text

    def value(self, value: Any) -> Any:
        """The JSON value without secrets; what is given stays as it is."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if not isinstance(value, dict):
            return value
        # A tool on another server: its headers are a key to that, whatever they are called, and
        # its address may hold one.
        tool = "server_url" in value or "server_label" in value or value.get("type") == "mcp"
        clean = {}
        for name, one in value.items():
            plain = _plain(name)
            if plain in _SETTINGS or (tool and plain == "headers"):
                clean[name] = _hidden(one)
            elif plain in _NAMES and isinstance(one, str):
                clean[name] = HIDDEN
            elif tool and plain == "serverurl" and isinstance(one, str):
                clean[name] = self.text(_without_keys(one))
            else:
                clean[name] = self.value(one)
        return clean

    def pieces(self, pieces: Sequence[str]) -> list[str]:
        """Texts that follow each other, without secrets that lie across several of them."""
        whole = "".join(pieces)
        spans = self.spans(whole)
        if not spans:
            return list(pieces)
        clean: list[str] = []
        at = 0
        for piece in pieces:
            end = at + len(piece)
            kept, position = "", at
            for start, stop in spans:
                if stop <= at or start >= end:
                    continue
                kept += whole[position : max(start, position)]
                if start >= at:
                    kept += HIDDEN
                position = min(stop, end)
            clean.append(kept + whole[position:end])
            at = end
        return clean


def scrubber(key: Secret | None) -> Scrubber:
    """What takes out all that is known to be a secret: `key`, and those of the environment."""
    return Scrubber([*secrets_of_environment(), *([key.reveal()] if key else [])])


def is_secret_name(name: str) -> bool:
    """True for the name of a header or field that holds a secret."""
    plain = _plain(name)
    return (
        plain in _NAMES
        or (plain.endswith("key") and plain != "idempotencykey")
        or any(
            word in plain for word in ("token", "secret", "password", "auth", "cookie", "apikey")
        )
    )


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _without_keys(url: str) -> str:
    """The address of a server without what looks like a key in its path."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host}{_KEY_IN_PATH.sub(HIDDEN, slash + path)}"


def _hidden(value: Any) -> Any:
    """The value with every text in it hidden."""
    if isinstance(value, dict):
        return {name: _hidden(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    return HIDDEN if isinstance(value, str) and value else value
