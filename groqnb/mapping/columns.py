"""From the rows of a frame to the columns of its answers."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groqnb.mapping.collecting import collect, outside
from groqnb.mapping.expecting import Tell, expect_kept, expected, pairs_of
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.judges import AnyText, Judge, Labels, Typed
from groqnb.mapping.options import plan_of
from groqnb.mapping.results import RowResult
from groqnb.mapping.run import Plan, Row
from groqnb.mapping.template import Template, missing_column
from groqnb.mapping.typed_columns import columns_of
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Work", "classify_work", "extract_work", "filter_work", "map_work", "named"]

_YES, _NO = "yes", "no"


@dataclass
class Work:
    """A map over a frame that is ready to go.

    Attributes:
        frame: the rows.
        template: their prompt.
        plan: how they are asked.
        finish: makes the frame of the outcomes.
        tell: says how good they are, where the user knows what is right.
    """

    frame: pd.DataFrame
    template: Template
    plan: Plan
    options: Mapping[str, Any]
    finish: Callable[[list[RowResult]], pd.DataFrame]
    tell: Tell | None = None

    def run(self, stops: Interrupts | None = None) -> pd.DataFrame:
        """Ask all rows; `stops` ends it early when it counts one."""
        return self._finished(self._collect(stops))

    async def arun(self) -> pd.DataFrame:
        """Ask all rows beside the running event loop; cancelling it keeps what is done."""
        stops = Interrupts()
        work = asyncio.ensure_future(asyncio.to_thread(self._collect, stops))
        try:
            return self._finished(await asyncio.shield(work))
        except asyncio.CancelledError:
            stops.count += 1
            await asyncio.wait([work])
            raise

    def _finished(self, results: list[RowResult]) -> pd.DataFrame:
        made = self.finish(results)
        if self.tell is not None:
            self.tell(made, results)
        return made

    def _collect(self, stops: Interrupts | None) -> list[RowResult]:
        return collect(self.plan, self._rows(), len(self.frame), self.options, interrupts=stops)

    def _rows(self) -> Iterator[Row]:
        template, frame = self.template, self.frame
        columns = [frame.iloc[:, place] for place in template.places(frame.columns).values()]
        missing = [column.isna().tolist() for column in columns]
        values = [column.tolist() for column in columns]
        for number in range(len(frame)):
            if any(gone[number] for gone in missing):
                yield number, None
                continue
            row = {name: cells[number] for name, cells in zip(template.names, values, strict=True)}
            yield number, template.fill(row)


def _work(
    frame: pd.DataFrame,
    template: Template,
    judge: Judge,
    options: Mapping[str, Any],
    finish: Callable[[list[RowResult]], pd.DataFrame],
    added: Sequence[str],
    tell: Tell | None = None,
) -> Work:
    if not template.names:
        raise ParameterError(
            "The prompt names no column, so it would be the same for every row.",
            hint='Name one in braces, as in "Summarise: {text}".',
        )
    known = [str(column) for column in frame.columns]
    read = {known[place] for place in template.places(known).values()}
    for name in added:
        if added.count(name) > 1:
            raise ParameterError(
                f"Two new columns would be called {name!r}.", hint="Give the field another name."
            )
        # Going on with a frame that has these columns already replaces them: cells are run again.
        if known.count(name) > 1:
            raise ParameterError(f"There are {known.count(name)} columns {name!r} already.")
        if name in read:
            raise ParameterError(
                f"The answers would replace the column {name!r}, which the prompt reads.",
                hint="Choose another name with into=.",
            )
    return Work(frame, template, plan_of(judge, options, template), options, finish, tell)


def _with(
    frame: pd.DataFrame,
    more: Mapping[str, Any],
    errors: str,
    results: list[RowResult],
    votes: Mapping[str, str | None],
) -> pd.DataFrame:
    """A copy of the frame with these columns, the votes' agreement, and the one of errors."""
    import pandas as pd

    more = {**more, **{name: _agreement(results, field) for name, field in votes.items()}}
    told = pd.Series([result.error for result in results], index=frame.index, dtype=object)
    columns = {name: pd.Series(values, index=frame.index) for name, values in more.items()}
    made: pd.DataFrame = frame.assign(**columns, **{errors: told.where(told.notna(), None)})
    return made


def _agreement(results: list[RowResult], field: str | None) -> Any:
    import pandas as pd

    found = [result.agreement for result in results]
    shares: list[Any] = [one.get(field or "") if isinstance(one, dict) else one for one in found]
    return pd.array(shares, dtype="Float64")


def _votes(options: Mapping[str, Any], fields: Mapping[str, str | None]) -> dict[str, str | None]:
    """The columns of agreement, with the field of a form that each is about."""
    if (options.get("samples") or 1) == 1:
        return {}
    return {f"{name}_agreement": field for name, field in fields.items()}


def map_work(
    frame: pd.DataFrame,
    prompt: str | Template,
    into: str,
    options: Mapping[str, Any],
    expect: str | None = None,
) -> Work:
    """Text for each row."""
    into, errors = _names(into)
    tell = None if expect is None else expected(frame, {into: expect})
    votes = _votes(options, {into: None})

    def finish(results: list[RowResult]) -> pd.DataFrame:
        import pandas as pd

        values = [result.value for result in results]
        plain = all(value is None or isinstance(value, str) for value in values)
        column = pd.Series(values, dtype="string" if plain else object).array
        return _with(frame, {into: column}, errors, results, votes)

    template = _template(prompt)
    return _work(frame, template, AnyText(), options, finish, [into, *votes, errors], tell)


def extract_work(
    frame: pd.DataFrame,
    form: Any,
    from_: str | None,
    prompt: str | None,
    options: Mapping[str, Any],
    expect: str | Mapping[str, str] | None = None,
) -> Work:
    """A typed column for each field."""
    from groqnb.types.answer_type import answer_type

    answers = answer_type(form)
    told = answers.changes
    makers = columns_of(form)
    errors = "extract_error"
    votes = _votes(options, {name: name for name in makers})
    tell = None if expect is None else expected(frame, pairs_of(expect, [*makers]))
    template = _reading(frame, from_, prompt, "Take what is asked for from this text:\n\n")

    def finish(results: list[RowResult]) -> pd.DataFrame:
        more = {name: make([r.value for r in results]) for name, make in makers.items()}
        return _with(frame, more, errors, results, votes)

    added = [*makers, *votes, errors]
    work = _work(frame, template, Typed(answers), options, finish, added, tell)
    rules = [change for change in told if "remark" in change]
    if rules:
        warnings.warn(
            f"The model is told, not bound by: {'; '.join(rules[:3])}. Answers that break it "
            "are asked for again, then errors.",
            UserWarning,
            stacklevel=outside(),
        )
    return work


def classify_work(
    frame: pd.DataFrame,
    labels: Sequence[str] | Mapping[str, str],
    from_: str | None,
    prompt: str | None,
    into: str,
    options: Mapping[str, Any],
    expect: str | None = None,
) -> Work:
    """A label for each row."""
    judge = Labels(labels)
    into, errors = _names(into)
    tell = None if expect is None else expected(frame, {into: expect}, judge.labels)
    votes = _votes(options, {into: None})
    template = _reading(frame, from_, prompt)

    def finish(results: list[RowResult]) -> pd.DataFrame:
        import pandas as pd

        column = pd.Categorical([result.value for result in results], categories=judge.labels)
        return _with(frame, {into: column}, errors, results, votes)

    return _work(frame, template, judge, options, finish, [into, *votes, errors], tell)


def filter_work(
    frame: pd.DataFrame,
    prompt: str | Template,
    options: Mapping[str, Any],
    expect: str | None = None,
) -> Work:
    """The rows that the model says yes to, and those that could not be judged."""
    tell = None if expect is None else expect_kept(frame, expect)
    errors = "filter_error"
    votes = _votes(options, {"filter": None})

    def finish(results: list[RowResult]) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        failed = [result.error is not None for result in results]
        keep = np.array([r.value == _YES or r.error is not None for r in results], dtype=bool)
        kept: pd.DataFrame = frame[keep]
        for name in votes:
            kept = kept.assign(**{name: _agreement(results, None)[keep]})
        if any(failed):
            told = pd.Series([r.error for r in results], index=frame.index, dtype=object)
            kept = kept.assign(**{errors: told[keep]})
        return kept

    judge = Labels([_YES, _NO])
    return _work(frame, _template(prompt), judge, options, finish, list(votes), tell)


def _names(into: str) -> tuple[str, str]:
    if not isinstance(into, str) or not into.strip():
        raise ParameterError(f"into is {into!r}; it is the name of the new column.")
    return into, f"{into}_error"


def _template(prompt: str | Template) -> Template:
    return prompt if isinstance(prompt, Template) else Template(prompt)


def _reading(
    frame: pd.DataFrame, from_: str | None, prompt: str | None, lead: str = ""
) -> Template:
    """The prompt for a column that is to be read, or the one that was given."""
    if (from_ is None) == (prompt is None):
        raise ParameterError(
            "Name the column to read with from_=, or write a prompt= with columns in braces.",
            hint=None if from_ is None else "One of the two is enough.",
        )
    if prompt is not None:
        return Template(prompt)
    name, known = str(from_), [str(column) for column in frame.columns]
    if name not in known:
        raise ParameterError(missing_column(name, known))
    return Template.of_column(name, lead)


def named(prompt: str, series: Any, column: str) -> Template:
    """A series' prompt whose `{}`, `{value}` or own name stand for this column."""
    template = Template(prompt)
    others = [name for name in template.names if name not in ("", "value", str(series).strip())]
    if others:
        raise ParameterError(
            f"A series has no {others[0]!r}.", hint="{} stands for its value, in one column."
        )
    return template.renamed(column)
