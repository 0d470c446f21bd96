"""`ddf.groq`: a model's answers as columns of a Dask frame, on one machine or many.

```python
import dask.dataframe as dd
from dask.distributed import Client

client = Client(n_workers=2)
ddf = dd.read_parquet("reviews/")
ddf = ddf.groq.classify(["complaint", "question", "praise"], from_="text")
ddf.to_parquet("labelled/")
```

The calls are those of `df.groq`, and lazy as all of Dask: nothing is asked before `compute()`,
`to_parquet()` and the like. What is otherwise than with pandas:

- Errors are text, and `filter` always has its column of errors: a Dask frame has one form.
  Moments with a time zone are told in UTC, without one.
- One budget of requests and tokens is kept for all workers together, by Dask's scheduler. (A
  budget of money, as `%groq budget` sets it, is each process's own.)
- Answers are kept on disk on the machine that asked. The workers of one machine share a file: what
  a killed worker had finished is not asked again, nor is it when the same is computed again. A
  partition that goes to another machine is asked for there. (The file must not lie on a network
  drive, on which SQLite cannot lock.)
- No key goes through Dask: `client=` is refused, and so are headers. Each worker finds its key by
  itself, best in GROQ_API_KEY of its environment, which the workers of a `LocalCluster` inherit.
  Where the calls go (cloud, local, a URL) and the default model are this process's.
- An interrupt, or a future that is cancelled, ends the maps on the workers of a cluster at once.
  Without a cluster, Dask's threads end the partitions that they have begun.
- The local engine runs once in each worker process; with it few workers with threads are better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.api.resource import shows_parameters
from groqnb.clusters.budget import Budget
from groqnb.clusters.partition import Asked, conform, work_of
from groqnb.mapping.options import MapOptions
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from dask.dataframe import DataFrame
    from typing_extensions import Unpack

__all__ = ["DaskRows"]

# What holds keys, or makes no sense with many workers.
_REFUSED = {
    "client": "Set GROQ_API_KEY in the environment of the workers; a client holds a key, which "
    "would go to Dask's scheduler.",
    "extra_headers": "Headers may hold keys, which would go to Dask's scheduler.",
    "progress": "Dask has progress bars: dask.distributed.progress(ddf.persist()).",
    "tier": "Compute the frame, and use df.groq with tier='batch'.",
    "wait": "It belongs to tier='batch'.",
    "completion_window": "It belongs to tier='batch'.",
}


class DaskRows:
    """`ddf.groq`: a model's answers as columns, asked for when the frame is computed."""

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    @shows_parameters(MapOptions)
    def map(self, prompt: str, *, into: str = "answer", **options: Unpack[MapOptions]) -> DataFrame:
        """The frame with two more columns: `into`, what the model answers, and its errors.

        As `df.groq.map`. Raises ParameterError for what cannot work, at once.

        ```python
        ddf = ddf.groq.map("A title of three words for: {text}", into="title")
        ddf.compute()
        ```
        """
        return _lazily(self._frame, "map", {"prompt": prompt, "into": into}, options)

    @shows_parameters(MapOptions)
    def extract(
        self,
        form: Any,
        *,
        from_: str | None = None,
        prompt: str | None = None,
        **options: Unpack[MapOptions],
    ) -> DataFrame:
        """The frame with a typed column for each field of `form`, and `extract_error`.

        ```python
        ddf.groq.extract({"city": str, "people": int | None}, from_="text").to_parquet("cities/")
        ```
        """
        arguments = {"form": form, "from_": from_, "prompt": prompt}
        return _lazily(self._frame, "extract", arguments, options)

    @shows_parameters(MapOptions)
    def classify(
        self,
        labels: Sequence[str] | Mapping[str, str],
        *,
        from_: str | None = None,
        prompt: str | None = None,
        into: str = "label",
        **options: Unpack[MapOptions],
    ) -> DataFrame:
        """The frame with one of `labels` for each row, as a categorical column, and its errors.

        ```python
        ddf.groq.classify(["good", "bad"], from_="text")["label"].value_counts().compute()
        ```
        """
        arguments = {"labels": labels, "from_": from_, "prompt": prompt, "into": into}
        return _lazily(self._frame, "classify", arguments, options)

    @shows_parameters(MapOptions)
    def filter(self, prompt: str, **options: Unpack[MapOptions]) -> DataFrame:
        """The rows for which the model answers yes, and those that could not be judged.

        The latter say why in a column `filter_error`.

        ```python
        ddf.groq.filter("Does this ask for a refund? {text}").compute()
        ```
        """
        return _lazily(self._frame, "filter", {"prompt": prompt}, options)


def _lazily(
    frame: DataFrame, kind: str, arguments: dict[str, Any], options: Mapping[str, Any]
) -> DataFrame:
    """The frame that has the answers once it is computed."""
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name in _REFUSED:
            raise ParameterError(f"{name} is not for Dask's frames.", hint=_REFUSED[name])
    _without_secrets(given.get("tools"))
    work = work_of(kind, frame._meta, arguments, given)
    plan = work.plan
    given["model"] = plan.question.models
    errors = f"{arguments['into']}_error" if "into" in arguments else f"{kind}_error"
    like = conform(work.finish([]), errors)
    if kind == "map" and given.get("tools"):
        like[arguments["into"]] = like[arguments["into"]].astype(object)  # lists of calls
    target = plan.clients[0].target
    server = {"where": target.base_url if target.kind == "url" else target.kind}
    identity = f"{plan.question.name} {sorted(_told({**arguments, **given}).items())}"
    asked = Asked(kind, arguments, given, server, _digest(identity), Budget(), errors, like)
    lazily: Any = frame.map_partitions
    made: DataFrame = lazily(asked, meta=like)
    return made


def _without_secrets(tools: Any) -> None:
    for tool in tools or ():
        if isinstance(tool, Mapping) and any(tool.get(name) for name in _SECRET):
            raise ParameterError(
                "A tool with headers or a key is not for Dask's frames.",
                hint="It would go to Dask's scheduler, and all workers.",
            )


_SECRET = ("headers", "authorization")


def _told(options: Mapping[str, Any]) -> dict[str, str]:
    """What tells calls apart beside what the question's name tells (the form of `extract`)."""
    return {name: repr(value) for name, value in options.items() if name != "form"}


def _digest(text: str) -> str:
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
