"""One page of the local corpus, and the address under which it is told.

Addresses have a scheme of their own: `local://HOST/PATH`. HOST is the site of the project that
the text belongs to, so domains can be chosen by it; but the text is this machine's copy, not
what that site says today, and no program should take the address for one of the web.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

__all__ = ["FOLDER_HOST", "PACKAGES_HOST", "SCHEME", "Page", "clean", "read_address", "split_name"]

SCHEME = "local://"
FOLDER_HOST = "notebook-folder"
#: The host of packages that name no site of theirs.
PACKAGES_HOST = "installed-packages"

_IMAGE = re.compile(
    r"!\[[^\]]*\]\(\s*<?(https?://[^\s)>]+)"
    r"|<img[^>]+src=[\"'](https?://[^\"']+)"
    r"|\.\. (?:\|\w+\| )?(?:image|figure):: (https?://\S+)"
)
_MOST_IMAGES = 5
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class Page:
    """A page. `path` is below its host; `words` are names to find it by, `text` is all of it."""

    host: str
    path: str
    title: str
    words: str
    summary: str
    text: str
    #: 1 for what users are meant to use, less for what is private to a package.
    weight: float = 1.0

    @property
    def url(self) -> str:
        """The address, with what an address may not hold quoted."""
        return f"{SCHEME}{self.host}/{quote(self.path)}"

    @property
    def images(self) -> Sequence[str]:
        """The images of the web that the text shows, as addresses."""
        found = (next(filter(None, match.groups())) for match in _IMAGE.finditer(self.text))
        return list(dict.fromkeys(found))[:_MOST_IMAGES]


def read_address(url: str) -> tuple[str, str] | None:
    """Host and path of a `local://` address; None for any other.

    >>> read_address("local://numpy.org/numpy/numpy.where")
    ('numpy.org', 'numpy/numpy.where')
    """
    if not url.lower().startswith(SCHEME):
        return None
    host, _, path = url[len(SCHEME) :].partition("/")
    return host.lower(), unquote(path.split("#")[0])


def split_name(name: str) -> str:
    """A name of code with its parts as words, to be found by either.

    >>> split_name("pandas.DataFrame.read_csv")
    'pandas DataFrame Data Frame read_csv read csv'
    """
    parts: list[str] = []
    for part in name.split("."):
        parts.append(part)
        pieces = _HUMPS.sub(" ", part).replace("_", " ").split()
        if len(pieces) > 1:
            parts += pieces
    return " ".join(dict.fromkeys(parts))


def clean(text: str, most: int) -> str:
    """`text` without characters that are no text, at most `most` characters, cut at a line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(char for char in text if char in "\n\t" or char.isprintable())
    if len(text) <= most:
        return text.strip()
    return text[:most].rsplit("\n", 1)[0].strip() + "\n…"
