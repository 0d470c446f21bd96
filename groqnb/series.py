"""`series.groq`: a model's answers to each value; as `df.groq`, with `{}` for the value.

```python
df["title"] = df["text"].groq.map("A title of three words for: {}")
df["label"] = df["text"].groq.classify(["good", "bad"])
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.api.resource import shows_parameters
from groqnb.mapping.columns import classify_work, extract_work, filter_work, map_work, named
from groqnb.mapping.options import MapOptions
from groqnb.mapping.template import Template

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Unpack

__all__ = ["SeriesRows"]

_VALUE = "{}"  # the column of the values: no field of a form is called so


class SeriesRows:
    """`series.groq`: as `df.groq`, with `{}` for the value.

    `map` and `classify` give a series where neither `into` nor `samples` is given (errors are told
    in a warning then, and stand in its `attrs["errors"]`), else a frame with the errors, and the
    agreement of samples, beside the answers.
    """

    def __init__(self, series: pd.Series[Any]) -> None:
        self._series = series

    @shows_parameters(MapOptions)
    def map(self, prompt: str, *, into: str | None = None, **options: Unpack[MapOptions]) -> Any:
        """What the model answers for each value; `{}` in the prompt stands for it.

        ```python
        df["title"] = df["text"].groq.map("A title of three words for: {}")
        ```
        """
        return _one(
            map_work(self._frame(), self._named(prompt), into or "answer", options).run(), into
        )

    @shows_parameters(MapOptions)
    async def amap(
        self, prompt: str, *, into: str | None = None, **options: Unpack[MapOptions]
    ) -> Any:
        """`map`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        df["title"] = await df["text"].groq.amap("A title of three words for: {}")
        ```
        """
        work = map_work(self._frame(), self._named(prompt), into or "answer", options)
        return _one(await work.arun(), into)

    @shows_parameters(MapOptions)
    def extract(self, form: Any, **options: Unpack[MapOptions]) -> pd.DataFrame:
        """A frame with a typed column for each field of `form`, and `extract_error`.

        ```python
        df["text"].groq.extract({"city": str, "people": int | None})
        ```
        """
        return _without(extract_work(self._frame(), form, _VALUE, None, options).run())

    @shows_parameters(MapOptions)
    async def aextract(self, form: Any, **options: Unpack[MapOptions]) -> pd.DataFrame:
        """`extract`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        cities = await df["text"].groq.aextract({"city": str, "people": int | None})
        ```
        """
        work = extract_work(self._frame(), form, _VALUE, None, options)
        return _without(await work.arun())

    @shows_parameters(MapOptions)
    def classify(
        self,
        labels: Sequence[str] | Mapping[str, str],
        *,
        into: str | None = None,
        **options: Unpack[MapOptions],
    ) -> Any:
        """One of `labels` for each value.

        ```python
        df["label"] = df["text"].groq.classify(["good", "bad"])
        ```
        """
        work = classify_work(self._frame(), labels, _VALUE, None, into or "label", options)
        return _one(work.run(), into)

    @shows_parameters(MapOptions)
    async def aclassify(
        self,
        labels: Sequence[str] | Mapping[str, str],
        *,
        into: str | None = None,
        **options: Unpack[MapOptions],
    ) -> Any:
        """`classify`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        df["label"] = await df["text"].groq.aclassify(["good", "bad"])
        ```
        """
        work = classify_work(self._frame(), labels, _VALUE, None, into or "label", options)
        return _one(await work.arun(), into)

    @shows_parameters(MapOptions)
    def filter(self, prompt: str, **options: Unpack[MapOptions]) -> Any:
        """The values for which the model answers yes; `{}` in the prompt stands for the value.

        Values that could not be judged stay in, and `attrs["errors"]` has their errors; with
        `samples`, `attrs["agreement"]` has the agreement.

        ```python
        df["text"].groq.filter("Does this ask for a refund? {}")
        ```
        """
        return self._kept(filter_work(self._frame(), self._named(prompt), options).run())

    @shows_parameters(MapOptions)
    async def afilter(self, prompt: str, **options: Unpack[MapOptions]) -> Any:
        """`filter`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        angry = await df["text"].groq.afilter("Is the customer angry? {}")
        ```
        """
        return self._kept(await filter_work(self._frame(), self._named(prompt), options).arun())

    def _frame(self) -> pd.DataFrame:
        return self._series.to_frame(_VALUE)

    def _named(self, prompt: str) -> Template:
        return named(prompt, self._series.name, _VALUE)

    def _kept(self, frame: pd.DataFrame) -> Any:
        kept = frame[_VALUE]
        kept.name = self._series.name
        if "filter_agreement" in frame:
            kept.attrs["agreement"] = frame["filter_agreement"].to_dict()
        if "filter_error" in frame:
            kept.attrs["errors"] = frame["filter_error"].dropna().to_dict()
        return kept


def _without(frame: pd.DataFrame) -> pd.DataFrame:
    kept: pd.DataFrame = frame.drop(columns=_VALUE)
    return kept


def _one(frame: pd.DataFrame, into: str | None) -> Any:
    """What a series gives: a frame where a name was given, else the answers."""
    answers, *more, errors = (name for name in frame.columns if name != _VALUE)
    if into is not None or more:
        return frame[[answers, *more, errors]]
    series = frame[answers]
    failed = frame[errors].dropna()
    if len(failed):
        series.attrs["errors"] = failed.to_dict()
    return series
