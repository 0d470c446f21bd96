"""Where the API key is looked for, in this order:

1. the `api_key` argument,
2. the key given to `%groq key` (kept in memory only),
3. the `GROQ_API_KEY` environment variable,
4. a `.env` file in the working folder, which for a notebook is its own, or in a folder above,
5. Colab's secrets (`GROQ_API_KEY`),
6. the system keyring, where the package `keyring` is installed: `keyring set groqnb GROQ_API_KEY`.

A key is wrapped in a `Secret` as soon as it is read, and never stands bare in a local variable:
tracebacks may print those.
"""

from __future__ import annotations

import os
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from pathlib import Path

from groqnb.types.errors import ParameterError
from groqnb.types.secret import Secret

__all__ = ["PLACES", "FoundKey", "find_key", "set_session_key"]

NAME = "GROQ_API_KEY"

PLACES = (
    "the api_key argument, GROQ_API_KEY, a .env file here or above, "
    "Colab's secrets and the system keyring"
)
"""Where `find_key` looks, as a phrase for messages."""


@dataclass(frozen=True)
class FoundKey:
    """A key and where it was found, as a phrase: "the GROQ_API_KEY environment variable"."""

    key: Secret
    source: str


_session_key: Secret | None = None


def set_session_key(key: str | Secret | None) -> None:
    """Sets the key for this process, in memory only; None forgets it.

    Raises ParameterError for a text that cannot be a key.

    ```python
    set_session_key(getpass.getpass("Groq API key: "))
    ```
    """
    global _session_key
    key = None if key is None else Secret(key)
    found = None if key is None else _checked(key, "what was typed in")
    _session_key = None if found is None else found.key


def find_key(explicit: str | Secret | None = None) -> FoundKey | None:
    """The first key found in the places this module lists, or None.

    Raises ParameterError where a key holds characters that no key can have.

    ```python
    found = find_key()
    print(found.source if found else "no key")
    ```
    """
    given = Secret(explicit or "")
    del explicit
    for key, source in (
        (given, "the api_key argument"),
        (_session_key, "`%groq key`"),
        (Secret(os.environ.get(NAME, "")), f"the {NAME} environment variable"),
    ):
        if key and (found := _checked(key, source)):
            return found
    return _from_dotenv() or _from_colab() or _from_keyring()


def _checked(key: Secret, source: str) -> FoundKey | None:
    """The key without white space and quotes around it; None where nothing is left."""
    if not isinstance(key.reveal(), str):
        raise ParameterError(f"The API key from {source} is no text.")
    # `set GROQ_API_KEY="…"` keeps the quotes on Windows, and so do files of variables for Docker.
    key = Secret(key.reveal().strip().strip("\"'").strip())
    # Such a character could not be sent in a header, and the error would then print the key.
    if not all("!" <= character <= "~" for character in key.reveal()):
        raise ParameterError(
            f"The API key from {source} holds a space, a line break or a letter no key has.",
            hint="Copy it again from https://console.groq.com/keys.",
        )
    return FoundKey(key, source) if key else None


def _from_dotenv() -> FoundKey | None:
    try:
        folder = Path.cwd()
    except OSError:  # it was deleted
        return None
    for place in (folder, *folder.parents):
        file = place / ".env"
        if (encoding := _encoding(file)) is not None:
            from dotenv import dotenv_values

            # Decoded here: a file that is not UTF-8 all through is no reason to fail.
            text = file.open(encoding=encoding, errors="replace")
            with text:
                key = Secret(dotenv_values(stream=text, interpolate=False).get(NAME) or "")
            if found := _checked(key, f"the file {file}"):
                return found
    return None


def _encoding(file: Path) -> str | None:
    """The file's, where it can be read and has the name in it: only then is a parser worth it."""
    try:
        with file.open("rb") as begun:
            # What `>` writes in Windows' PowerShell begins so.
            encoding = "utf-16" if begun.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8"
        with file.open(encoding=encoding, errors="replace") as text:
            return encoding if NAME in text.read() else None
    except OSError:
        return None


def _from_colab() -> FoundKey | None:
    if "google.colab" not in sys.modules:
        return None
    from google.colab import userdata

    try:
        key = Secret(userdata.get(NAME) or "")
    except Exception:  # noqa: BLE001 - no such secret, no access, or no answer: Colab names many
        return None
    return _checked(key, "Colab's secrets")


def _from_keyring() -> FoundKey | None:
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        return None
    import keyring

    try:
        key = Secret(keyring.get_password("groqnb", NAME) or "")
    except Exception:  # noqa: BLE001 - a keyring that is locked or absent is no key, not a crash
        return None
    return _checked(key, "the system keyring")
