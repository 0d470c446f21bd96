"""Which results a request wants: `search_settings` held against the hosts of pages.

Docs: "Web Search", "Domain Filtering with Wildcards".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["country_weight", "is_wanted"]

_FROM_COUNTRY = 1.15
# The names that `country` takes, and the endings of hosts there.
_COUNTRIES = (
    "argentina ar,australia au,austria at,bangladesh bd,belgium be,brazil br,bulgaria bg,"
    "canada ca,chile cl,china cn,colombia co,croatia hr,czech republic cz,czechia cz,"
    "denmark dk,egypt eg,estonia ee,finland fi,france fr,germany de,greece gr,hong kong hk,"
    "hungary hu,iceland is,india in,indonesia id,iran ir,ireland ie,israel il,italy it,"
    "japan jp,kenya ke,latvia lv,lithuania lt,luxembourg lu,malaysia my,mexico mx,morocco ma,"
    "netherlands nl,new zealand nz,nigeria ng,norway no,pakistan pk,peru pe,philippines ph,"
    "poland pl,portugal pt,romania ro,russia ru,saudi arabia sa,serbia rs,singapore sg,"
    "slovakia sk,slovenia si,south africa za,south korea kr,spain es,sri lanka lk,sweden se,"
    "switzerland ch,taiwan tw,thailand th,tunisia tn,turkey tr,ukraine ua,"
    "united arab emirates ae,united kingdom uk,united states us,uruguay uy,vietnam vn"
)
_ENDINGS = {
    name: ending for name, _, ending in (pair.rpartition(" ") for pair in _COUNTRIES.split(","))
}


def is_wanted(host: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether pages of `host` may be shown.

    A domain stands for itself and what is below it; `*` stands for anything.

    >>> is_wanted("pandas.pydata.org", ["*.org"], ["numpy.org"])
    True
    >>> is_wanted("pandas.pydata.org", [], ["pydata.org"])
    False
    """
    if include and not any(_fits(host, domain) for domain in include):
        return False
    return not any(_fits(host, domain) for domain in exclude)


def _fits(host: str, domain: str) -> bool:
    # People paste addresses; the host of one is meant.
    domain = re.sub(r"^[a-z]+://", "", domain.strip().lower()).split("/")[0].strip(".")
    pattern = ".*".join(re.escape(part) for part in domain.split("*"))
    return bool(domain) and re.fullmatch(rf"(?:.*\.)?{pattern}", host.lower()) is not None


def country_weight(host: str, country: str | None) -> float:
    """How much more a page of `host` counts for a request from `country` (1 is no more)."""
    ending = _ENDINGS.get((country or "").strip().lower())
    return _FROM_COUNTRY if ending and host.endswith(f".{ending}") else 1.0
