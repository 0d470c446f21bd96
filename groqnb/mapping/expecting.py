"""Answers beside a column of labels that are known to be right: a line after the map."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.mapping.results import RowResult
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.evaluating import Evaluation

__all__ = ["Tell", "expect_kept", "expected", "pairs_of"]

Tell = Callable[["pd.DataFrame", list[RowResult]], None]
"""Says how good the answers are, of the finished frame and the outcomes."""


def pairs_of(expect: Any, fields: Sequence[str]) -> dict[str, str]:
    """For each field of a form the column that has it right. Raises ParameterError."""
    if isinstance(expect, Mapping):
        stray = [name for name in expect if name not in fields]
        if stray:
            raise ParameterError(
                f"expect names {stray[0]!r}, which is no field; there are {', '.join(fields)}."
            )
        return {str(name): str(column) for name, column in expect.items()}
    if len(fields) == 1:
        return {fields[0]: expect}
    raise ParameterError(
        "expect is a dict of fields and the columns that have them right.",
        hint=f'Such as expect={{"{fields[0]}": "a column"}}.',
    )


def expected(
    frame: pd.DataFrame, pairs: Mapping[str, str], labels: Sequence[str] | None = None
) -> Tell:
    """Compares columns of answers with columns of the frame.

    Raises ParameterError now for what could not be compared then.
    """
    for answers, column in pairs.items():
        truth = _column(frame, column)
        if answers == column:
            raise ParameterError(
                f"The answers would replace the column {column!r}, which expect names.",
                hint="Choose another name with into=.",
            )
        if labels is not None:
            _evaluate(truth.tolist(), truth.tolist(), labels)

    def tell(made: pd.DataFrame, results: list[RowResult]) -> None:
        for answers, column in pairs.items():
            try:
                scored = _evaluate(made[answers], frame_column(made, column), labels)
            except ParameterError as error:
                warnings.warn(f"{answers} beside {column}: {error}", UserWarning, stacklevel=2)
            else:
                more = f".groq.evaluate({answers!r}, expected={column!r})"
                print(f"{answers} beside {column}: {scored}. All of it: {more}")

    return tell


def expect_kept(frame: pd.DataFrame, column: str) -> Tell:
    """Compares what a filter keeps with a column of True and False, or of yes and no."""
    truth = [_yes(value) for value in _column(frame, column).tolist()]
    if any(value == "" for value in truth):
        raise ParameterError(
            f"expect of a filter is a column of True and False, or of yes and no; "
            f"{column!r} has other values."
        )

    def tell(made: pd.DataFrame, results: list[RowResult]) -> None:
        answers = [result.value if result.error is None else None for result in results]
        scored = _evaluate(answers, truth, ["yes", "no"])
        yes = scored.to_frame().loc["yes"]
        print(
            f"filter beside {column}: {scored}. Of the rows it keeps {_share(yes.precision)} "
            f"should be kept (precision), of those that should be {_share(yes.recall)} are "
            "(recall)."
        )

    return tell


def frame_column(frame: pd.DataFrame, name: str) -> Any:
    """A column by its name as text."""
    return frame.iloc[:, [str(column) for column in frame.columns].index(str(name))]


def _column(frame: pd.DataFrame, name: Any) -> Any:
    from groqnb.evaluating import place_of

    if not isinstance(name, str):
        raise ParameterError(f"expect is {name!r}; it is the name of a column of right labels.")
    return frame.iloc[:, place_of(frame, name)]


def _evaluate(answers: Any, truth: Any, labels: Sequence[str] | None) -> Evaluation:
    from groqnb.evaluating import evaluate

    return evaluate(answers, truth, labels)


def _yes(value: Any) -> str | None:
    """ "yes", "no", None for a missing one, and "" for what is neither."""
    import pandas as pd

    if pd.isna(value):
        return None
    if isinstance(value, str):
        said = value.strip().casefold()
        return said if said in ("yes", "no") else ""
    return {True: "yes", False: "no"}.get(value, "")


def _share(value: float) -> str:
    return "–" if value != value else f"{value:.1%}"
