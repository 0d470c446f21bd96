"""How IPython shows groqnb's types: formatters registered by type, taken away on unload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.render.message import Bundle
    from groqnb.types.answer import Answer
    from groqnb.types.charts import Chart

__all__ = ["register", "register_here", "show_once", "unregister"]


def register(shell: Any) -> None:
    """Register every formatter with `shell`; by name, so that no type is imported for it."""
    formatter = shell.display_formatter.mimebundle_formatter
    for (module, name), show in _FORMATTERS.items():
        formatter.for_type_by_name(module, name, show)


def register_here() -> None:
    """Register them where this runs in a shell: for what is shown without `%load_ext groqnb`."""
    from groqnb.render.stream import current_shell

    shell = current_shell()
    if shell is not None:
        register(shell)


def unregister(shell: Any) -> None:
    """Take away what `register` put there, and nothing else."""
    formatter = shell.display_formatter.mimebundle_formatter
    for (module, name), show in _FORMATTERS.items():
        formatter.deferred_printers.pop((module, name), None)
        for kind, printer in list(formatter.type_printers.items()):
            if printer is show:
                del formatter.type_printers[kind]


def show_once(shell: Any, answer: Answer) -> None:
    """`answer` is on the page already: as the value of the same cell it is not shown again."""
    formatter = shell.display_formatter.ipython_display_formatter
    kind = type(answer)

    def skip(value: Answer) -> None:
        if value is not answer:
            from groqnb.render.message import answer_bundle
            from groqnb.render.stream import publish

            publish(shell, answer_bundle(value))

    def restore(*_: Any) -> None:
        formatter.type_printers.pop(kind, None)
        shell.events.unregister("post_run_cell", restore)

    if kind in formatter.type_printers:
        formatter.for_type(kind, skip)
        return
    formatter.for_type(kind, skip)
    shell.events.register("post_run_cell", restore)


def _answer(source: Any, include: Any = None, exclude: Any = None) -> Bundle:
    """An Answer, or what becomes one: a whole reply, a message."""
    from groqnb.render.message import answer_bundle
    from groqnb.types.answer_of import answer_of

    return answer_bundle(answer_of(source))


def _chart(chart: Chart, include: Any = None, exclude: Any = None) -> Bundle:
    from groqnb.render.charts import chart_bundle

    return chart_bundle(chart)


def _part(part: Any, include: Any = None, exclude: Any = None) -> Bundle:
    """What came with an answer, by itself."""
    from groqnb.render.parts import part_bundle

    return part_bundle(part)


def _budget(budget: Any, include: Any = None, exclude: Any = None) -> Bundle:
    from groqnb.render.budgets import budget_bundle

    return budget_bundle(budget)


def _report(report: Any, include: Any = None, exclude: Any = None) -> Bundle:
    from groqnb.render.report import report_bundle

    return report_bundle(report)


def _evaluation(found: Any, include: Any = None, exclude: Any = None) -> Bundle:
    from groqnb.render.evaluations import evaluation_bundle

    return evaluation_bundle(found)


_FORMATTERS = {
    ("groqnb.evaluating", "Evaluation"): _evaluation,
    ("groqnb.ledger.budget", "Budget"): _budget,
    ("groqnb.ledger.report", "Report"): _report,
    ("groqnb.types.answer", "Answer"): _answer,
    ("groqnb.types.charts", "Chart"): _chart,
    ("groqnb.types.chat", "ChatCompletion"): _answer,
    ("groqnb.types.chat", "Message"): _answer,
    ("groqnb.types.responses", "Response"): _answer,
    ("groqnb.types.chat", "ToolCall"): _part,
    ("groqnb.types.chat", "UsageBreakdown"): _part,
    ("groqnb.types.executed_tools", "ExecutedTool"): _part,
    ("groqnb.types.executed_tools", "SearchResults"): _part,
    ("groqnb.types.records", "Citations"): _part,
    ("groqnb.types.records", "ExecutedTools"): _part,
    ("groqnb.types.records", "FoundPages"): _part,
    ("groqnb.types.records", "ToolCalls"): _part,
    ("groqnb.types.verdict", "Verdict"): _part,
}
