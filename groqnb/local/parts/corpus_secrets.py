"""What of a user's folder is never read, and what of a text is never shown.

The rules err on the safe side: a harmless page named like a secret is lost to the search.
"""

from __future__ import annotations

import re

__all__ = ["is_secret_name", "without_secrets"]

_SECRETS = (
    "auth credential credentials key keys keyring passwd password passwords passphrase pgpass "
    "private secret secrets token tokens apikey apikeys vault netrc htpasswd kubeconfig rsa "
    "dsa ed25519 wallet env"
)
_NAMES = frozenset(_SECRETS.split())
_ASSIGNED = re.compile(
    r"(?i)(api[_-]?key|secret|token|passw(?:or)?d|passphrase|credential|private[_-]?key|auth\w*)"
    r"[\"'\])]*\s*(?:=|:|,|=>)\s*[\"']?\S"
)
_KEYS = re.compile(
    r"gsk_\w{8,}|\bsk-[\w-]{12,}|\bhf_\w{12,}|\bgh[pousr]_\w{12,}|github_pat_\w{12,}|\bAKIA\w{12,}"
    r"|\bxox[abpr]-[\w-]{8,}|\bAIza[\w-]{20,}|\beyJ[\w-]{12,}\.[\w-]{8,}|://[^/\s:@]+:[^/\s@]+@"
)
_PRIVATE_KEY = "PRIVATE KEY-----"
_HIDDEN = "[a line that looks like a secret was left out]"


def is_secret_name(name: str) -> bool:
    """Whether a file or folder of this name is not to be looked at.

    >>> [is_secret_name(name) for name in (".env", "api_keys.txt", "notes.md")]
    [True, True, False]
    """
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower())
    return name.startswith((".", "~", "$")) or not _NAMES.isdisjoint(words)


def without_secrets(text: str) -> str:
    """`text` without the lines that look like secrets; nothing of it with a private key in it."""
    if _PRIVATE_KEY in text:
        return ""
    return "\n".join(
        _HIDDEN if _ASSIGNED.search(line) or _KEYS.search(line) else line
        for line in text.split("\n")
    )
