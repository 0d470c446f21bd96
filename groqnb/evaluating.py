"""How good answers are: beside labels that are known to be right.

```python
scored = groqnb.evaluate(df["label"], df["truth"])
scored = df.groq.evaluate("label", expected="truth")
scored.accuracy, scored.mistakes
```
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groqnb.render import formatters
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["OTHER", "Evaluation", "evaluate", "evaluate_frame", "place_of"]

OTHER = "(other)"
"""The column of the confusion for answers that are none of the labels."""


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What `groqnb.evaluate` found. A notebook shows it as tables.

    Attributes:
        accuracy: the share of `judged` rows that are right, 0 to 1; NaN where none was judged.
        right: how many are.
        judged: rows with an answer and an expected label: all numbers are about these.
        failed: rows with an expected label and no answer (NA); not judged.
        unlabelled: rows without an expected label; not judged.
        confusion: how often each label was expected (rows) and answered (columns). Answers that
            are none of the labels, where these were given, are in a last column "(other)".
        mistakes: the judged rows whose answer is not the expected one.
    """

    accuracy: float
    right: int
    judged: int
    failed: int
    unlabelled: int
    confusion: pd.DataFrame = field(compare=False)
    mistakes: pd.DataFrame = field(compare=False)

    def to_frame(self) -> pd.DataFrame:
        """A row for each label: precision, recall and f1 (0 to 1), and support.

        `precision` is the share of the answers with this label that are right, `recall` the share
        of its `support` (the rows that expect it) that were found, `f1` their harmonic mean. What
        is a share of nothing is NaN.

        ```python
        scored.to_frame().sort_values("f1")
        ```
        """
        import numpy as np
        import pandas as pd

        labels = self.confusion.index
        counts = self.confusion.to_numpy(dtype=float)
        hits = np.diagonal(counts)
        support = counts.sum(axis=1)
        answered = counts.sum(axis=0)[: len(labels)]

        def share(part: Any, whole: Any) -> Any:
            return np.divide(part, whole, out=np.full(len(labels), np.nan), where=whole > 0)

        columns = {
            "precision": share(hits, answered),
            "recall": share(hits, support),
            "f1": share(2 * hits, support + answered),
            "support": support.astype(int),
        }
        frame: pd.DataFrame = pd.DataFrame(columns, index=labels.rename("label"))
        return frame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the confusion with matplotlib; the colour is the share of the row.

        ```python
        scored.plot().set_title("gpt-oss-20b")
        ```
        """
        from groqnb.evaluation_drawing import draw_confusion

        return draw_confusion(self.confusion, ax)

    def __str__(self) -> str:
        """The accuracy in one line, with what was not judged."""
        if not self.judged:
            told = "no row could be judged"
        else:
            told = f"accuracy {self.accuracy:.1%}: {self.right:,} of {self.judged:,} rows are right"
        if self.failed:
            told += f"; {self.failed:,} without an answer, not counted"
        if self.unlabelled:
            told += f"; {self.unlabelled:,} without an expected label, not counted"
        return told

    def __repr__(self) -> str:
        from groqnb.render.evaluations import evaluation_bundle

        return evaluation_bundle(self)["text/plain"]


def evaluate(
    predicted: pd.Series[Any] | Sequence[Any],
    expected: pd.Series[Any] | Sequence[Any],
    labels: Sequence[Hashable] | None = None,
) -> Evaluation:
    """Compare answers with what is known to be right, row by row.

    `predicted` and `expected` are series with one index, or sequences of one length. `labels` are
    all there are, in the order to show them: an answer that is none of them is a mistake. Without
    them every value is a label; a categorical's order is kept, others are sorted. A row without an
    answer is counted apart, as `failed`.

    Raises ParameterError for rows that do not belong together, and an expected value that is not
    among `labels`.

    ```python
    scored = groqnb.evaluate(df["label"], df["truth"])
    scored.plot()
    ```
    """
    import pandas as pd

    answers, truths = _series(predicted, "predicted"), _series(expected, "expected")
    if len(answers) != len(truths):
        raise ParameterError(
            f"There are {len(answers):,} predicted rows and {len(truths):,} expected ones."
        )
    both = isinstance(predicted, pd.Series) and isinstance(expected, pd.Series)
    if both and not answers.index.equals(truths.index):
        raise ParameterError(
            "The two series have different indexes, so their rows may not belong together.",
            hint="Take both from one frame, or pass .tolist() of both to go by their order.",
        )
    index = answers.index if isinstance(predicted, pd.Series) else truths.index
    columns = {"expected": truths.array, "predicted": answers.array}
    return _evaluation(answers, truths, labels, pd.DataFrame(columns, index=index))


def evaluate_frame(
    frame: pd.DataFrame,
    predicted: str,
    expected: str,
    labels: Sequence[Hashable] | None = None,
) -> Evaluation:
    """`evaluate` of two columns; its `mistakes` are whole rows of the frame."""
    answers = frame.iloc[:, place_of(frame, predicted)]
    truths = frame.iloc[:, place_of(frame, expected)]
    return _evaluation(answers, truths, labels, frame)


def place_of(frame: pd.DataFrame, name: str) -> int:
    """Where a column is. Raises ParameterError where there is none, or more than one."""
    from groqnb.mapping.template import missing_column

    known = [str(column) for column in frame.columns]
    if known.count(str(name)) > 1:
        raise ParameterError(f"There are {known.count(str(name))} columns {name!r}.")
    if str(name) not in known:
        raise ParameterError(missing_column(str(name), known))
    return known.index(str(name))


def _series(values: Any, name: str) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(values, pd.Series):
        return values
    if isinstance(values, (str, bytes, pd.DataFrame)) or not hasattr(values, "__len__"):
        raise ParameterError(f"{name} is a {type(values).__name__}; it is a series or a list.")
    series: pd.Series[Any] = pd.Series(list(values), dtype=object)
    return series


def _evaluation(
    answers: pd.Series[Any],
    truths: pd.Series[Any],
    labels: Sequence[Hashable] | None,
    rows: pd.DataFrame,
) -> Evaluation:
    import numpy as np
    import pandas as pd

    answered, known = answers.notna().to_numpy(bool), truths.notna().to_numpy(bool)
    judged = answered & known
    said, true = (_objects(series, judged) for series in (answers, truths))
    names = _labels(answers, truths, said, true, labels)
    wide = len(names)
    at_said, at_true = names.get_indexer(said), names.get_indexer(true)
    others = bool((at_said < 0).any())
    at_said = np.where(at_said < 0, wide, at_said)
    counts = np.bincount(at_true * (wide + others) + at_said, minlength=wide * (wide + others))
    confusion = pd.DataFrame(
        counts.reshape(wide, wide + others),
        index=names.rename("expected"),
        columns=pd.Index([*names, *[OTHER] * others], dtype=object, name="predicted"),
    )
    right = int((at_said == at_true).sum())
    total = int(judged.sum())
    wrong = np.zeros(len(rows), dtype=bool)
    wrong[np.flatnonzero(judged)[at_said != at_true]] = True
    return _shown(
        Evaluation(
            accuracy=right / total if total else float("nan"),
            right=right,
            judged=total,
            failed=int((known & ~answered).sum()),
            unlabelled=int((~known).sum()),
            confusion=confusion,
            mistakes=rows[wrong],
        )
    )


def _shown(found: Evaluation) -> Evaluation:
    formatters.register_here()
    return found


def _objects(series: pd.Series[Any], judged: Any) -> pd.Index[Any]:
    import pandas as pd

    values: pd.Index[Any] = pd.Index(series[judged].astype(object).tolist(), dtype=object)
    return values


def _labels(
    answers: pd.Series[Any],
    truths: pd.Series[Any],
    said: pd.Index[Any],
    true: pd.Index[Any],
    labels: Sequence[Hashable] | None,
) -> pd.Index[Any]:
    """All labels in the order to show them."""
    import pandas as pd

    try:
        met = list(dict.fromkeys([*true, *said]))
    except TypeError:
        raise ParameterError(
            "Labels are single values such as texts and numbers; here are lists or dicts."
        ) from None
    if labels is not None:
        return _given(labels, true)
    if len(true) and not ({isinstance(v, str) for v in true} & {isinstance(v, str) for v in said}):
        kinds = [type(values[0]).__name__ for values in (said, true)]
        raise ParameterError(
            f"The answers are {kinds[0]} and the expected labels {kinds[1]}: none can be right.",
            hint='Make them alike first, as with .astype(str) or .map({True: "yes", …}).',
        )
    listed: list[Any] = []
    for series in (answers, truths):
        if isinstance(series.dtype, pd.CategoricalDtype):
            listed += series.cat.categories.tolist()
    rest = [value for value in met if value not in set(listed)]
    try:
        rest.sort()
    except TypeError:
        rest.sort(key=str)
    found: pd.Index[Any] = pd.Index(list(dict.fromkeys([*listed, *rest])), dtype=object)
    return found


def _given(labels: Sequence[Hashable], true: pd.Index[Any]) -> pd.Index[Any]:
    import pandas as pd

    names = [labels] if isinstance(labels, str) else list(labels)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ParameterError("labels are two or more different ones.")
    stray = [value for value in dict.fromkeys(true) if value not in names]
    if stray:
        shown = ", ".join(repr(value) for value in stray[:5])
        raise ParameterError(
            f"Expected values that are not among the labels: {shown}.",
            hint="Add them to labels, or leave these rows out.",
        )
    given: pd.Index[Any] = pd.Index(names, dtype=object)
    return given
