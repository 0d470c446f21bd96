"""Which batches are meant, and who asks the server for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from groqnb.background import check_client
from groqnb.types.batches import BatchCard
from groqnb.types.errors import ParameterError
from groqnb.watching.rows import name_of

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["given_as", "id_of", "of_map", "own_client", "the_client", "wish"]


def given_as(batches: Any) -> list[Any]:
    """One batch or several, as a list; none for None. Raises ParameterError for no batch."""
    if batches is None:
        return []
    several = isinstance(batches, Iterable) and not isinstance(batches, (str, bytes))
    given = list(batches) if several else [batches]
    if not given:
        raise ParameterError(
            "batches names none.", hint="Leave it out for all that have not ended."
        )
    return given


def id_of(batch: Any) -> str:
    """The id of a batch, or of what names one. Raises ParameterError for anything else."""
    batch_id = batch if isinstance(batch, str) else getattr(batch, "id", None)
    if not isinstance(batch_id, str) or not batch_id.strip():
        raise ParameterError(
            "An empty text is no batch."
            if isinstance(batch, str)
            else f"An object of type {type(batch).__name__} is no batch.",
            hint="Give what client.batches.create returned, or the id of a batch.",
        )
    return batch_id.strip()


def wish(name: str | None) -> Callable[[BatchCard], bool]:
    """What is meant where no batch was named: those of a name, else all that have not ended."""
    if name is None:
        return lambda one: not one.ended
    return lambda one: name_of(one) == name


def of_map(name: str | None) -> list[str]:
    """The ids of the batches that the map of this name has started on this machine, so far."""
    from groqnb.batching import batch_ids

    return [] if name is None else batch_ids(name)


def the_client(client: Groq | None) -> Groq:
    """The client to ask, by default the session's. Raises ParameterError for what is none."""
    from groqnb.session import session

    if client is None:
        return session.client()
    check_client(client)
    return client


def own_client(client: Groq | None) -> tuple[Groq, bool]:
    """A client for a thread that looks on, and whether it is for that alone, and to be closed.

    It has the same settings and a hub of its own: looking on counts as no work of the session's,
    and goes on where the session turns to another server.
    """
    from groqnb.client import Groq

    client = the_client(client)
    if client._settings.get("transport") is not None:
        return client, False  # closing ours would close it
    return Groq(**{**client._settings, "events": None}), True  # type: ignore[arg-type]
