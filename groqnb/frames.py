"""`df.groq`: a model's answers as columns.

```python
df = df.groq.map("Is this about a bill? {text}", into="bill")
df = df.groq.extract({"name": str, "age": int | None}, from_="text")
df = df.groq.classify(["complaint", "question", "praise"], from_="text")
df = df.groq.filter("Is the customer angry? {text}")
```

Order and index stay as they are, also an index with doubles. A row with a missing value in a
column of the prompt is not asked. A row that fails has its error (`RowError`) in the column of
errors, and the others have their answers. Answers are kept on disk: the same call goes on where it
was stopped, and asks the rows that failed again. With `tier="batch"` the rows go through the Batch
API, at half the price. `groqnb.mapping.options.MapOptions` tells of all options. Each method has a
twin for async code: `await df.groq.amap(...)`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.api.resource import shows_parameters
from groqnb.mapping.columns import classify_work, extract_work, filter_work, map_work
from groqnb.mapping.options import MapOptions

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Unpack

    from groqnb.evaluating import Evaluation

__all__ = ["FrameRows"]


class FrameRows:
    """`df.groq`: a model's answers as columns; the frame itself stays as it is."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @shows_parameters(MapOptions)
    def map(
        self,
        prompt: str,
        *,
        into: str = "answer",
        expect: str | None = None,
        **options: Unpack[MapOptions],
    ) -> pd.DataFrame:
        """The frame with two more columns: `into`, what the model answers, and its errors.

        `prompt` names columns in braces: `"Summarise: {text}"`; `{photo:image}` shows a picture,
        `{clip:audio}` says what is said in a recording. Errors stand in `into` + `"_error"`.

        `expect` names a column of right answers: a line says afterwards how many rows have exactly
        these (`evaluate` tells the rest).

        Raises ParameterError for a wrong name, before anything is sent.

        ```python
        df.groq.map("A title of three words for: {text}", into="title", max_completion_tokens=12)
        ```
        """
        return map_work(self._frame, prompt, into, options, expect).run()

    @shows_parameters(MapOptions)
    async def amap(
        self,
        prompt: str,
        *,
        into: str = "answer",
        expect: str | None = None,
        **options: Unpack[MapOptions],
    ) -> pd.DataFrame:
        """`map`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        df = await df.groq.amap("A title of three words for: {text}", into="title")
        ```
        """
        return await map_work(self._frame, prompt, into, options, expect).arun()

    @shows_parameters(MapOptions)
    def extract(
        self,
        form: Any,
        *,
        from_: str | None = None,
        prompt: str | None = None,
        expect: str | Mapping[str, str] | None = None,
        **options: Unpack[MapOptions],
    ) -> pd.DataFrame:
        """The frame with a typed column for each field of `form`, and `extract_error`.

        `form` is a pydantic model, a dataclass, or names and types: `{"name": str, "age": int}`;
        `int | None` where the text may not tell. `from_` is the column to read, or `prompt` says
        what to read, as in `map`. An answer that does not fit is asked for once more.

        `expect` is a dict of fields and columns that have them right, as in {"city": "town"}: a
        line says for each how many rows are right.

        Models that keep to a schema get one; others are told it, and asked for JSON.

        ```python
        df.groq.extract({"city": str, "people": int | None}, from_="text")
        ```
        """
        return extract_work(self._frame, form, from_, prompt, options, expect).run()

    @shows_parameters(MapOptions)
    async def aextract(
        self,
        form: Any,
        *,
        from_: str | None = None,
        prompt: str | None = None,
        expect: str | Mapping[str, str] | None = None,
        **options: Unpack[MapOptions],
    ) -> pd.DataFrame:
        """`extract`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        df = await df.groq.aextract({"city": str, "people": int | None}, from_="text")
        ```
        """
        return await extract_work(self._frame, form, from_, prompt, options, expect).arun()

    @shows_parameters(MapOptions)
    def classify(
        self,
        labels: Sequence[str] | Mapping[str, str],
        *,
        from_: str | None = None,
        prompt: str | None = None,
        into: str = "label",
        expect: str | None = None,
        **options: Unpack[MapOptions],
    ) -> pd.DataFrame:
        """The frame with one of `labels` for each row, as a categorical column, and its errors.

        `labels` are names, or names with what they stand for. `from_` is the column to judge, or
        `prompt` says what to judge, as in `map`. No other answer than a label is ever taken.
        `expect` names a column of right labels: a line says afterwards how many rows are right,
        and `evaluate` tells the rest.

        ```python
        df.groq.classify(
            {"bug": "something is broken", "wish": "something is missing"},
            from_="text",
            into="kind",
        )
        ```
        """
        return classify_work(self._frame, labels, from_, prompt, into, options, expect).run()

    @shows_parameters(MapOptions)
    async def aclassify(
        self,
        labels: Sequence[str] | Mapping[str, str],
        *,
        from_: str | None = None,
        prompt: str | None = None,
        into: str = "label",
        expect: str | None = None,
        **options: Unpack[MapOptions],
    ) -> pd.DataFrame:
        """`classify`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        df = await df.groq.aclassify(["bug", "wish"], from_="text", into="kind")
        ```
        """
        return await classify_work(self._frame, labels, from_, prompt, into, options, expect).arun()

    @shows_parameters(MapOptions)
    def filter(
        self, prompt: str, *, expect: str | None = None, **options: Unpack[MapOptions]
    ) -> pd.DataFrame:
        """The rows for which the model answers yes.

        `prompt` is a question with columns in braces. A row with a missing value is left out. No
        row is lost for an error: where some could not be judged they stay in, and a column
        `filter_error`, which is there only then, says why. `expect` names a column of True and
        False, or yes and no: a line says how much of what is kept should be, and the reverse.

        ```python
        df.groq.filter("Does this ask for a refund? {text}")
        ```
        """
        return filter_work(self._frame, prompt, options, expect).run()

    @shows_parameters(MapOptions)
    async def afilter(
        self, prompt: str, *, expect: str | None = None, **options: Unpack[MapOptions]
    ) -> pd.DataFrame:
        """`filter`, awaited: other tasks go on meanwhile, and cancelling it keeps what is done.

        ```python
        df = await df.groq.afilter("Does this ask for a refund? {text}")
        ```
        """
        return await filter_work(self._frame, prompt, options, expect).arun()

    def evaluate(
        self, predicted: str, *, expected: str, labels: Sequence[Hashable] | None = None
    ) -> Evaluation:
        """How good the column `predicted` is, beside the labels in `expected`.

        As `groqnb.evaluate`; the rows of its `mistakes` are the frame's own. Asks nobody.

        ```python
        df.groq.evaluate("label", expected="truth").mistakes
        ```
        """
        from groqnb.evaluating import evaluate_frame

        return evaluate_frame(self._frame, predicted, expected, labels)
