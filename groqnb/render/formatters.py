"""How IPython shows groqnb's types: formatters registered by type, taken away on unload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.render.message import Bundle
    from groqnb.types.answer import Answer
    from groqnb.types.charts import Chart
    from groqnb.types.chat import ChatCompletion

__all__ = ["register", "show_once", "unregister"]


def register(shell: Any) -> None:
    """Register every formatter with `shell`; by name, so that no type is imported for it."""
    formatter = shell.display_formatter.mimebundle_formatter
    for (module, name), show in _FORMATTERS.items():
        formatter.for_type_by_name(module, name, show)


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


def _answer(answer: Answer, include: Any = None, exclude: Any = None) -> Bundle:
    from groqnb.render.message import answer_bundle

    return answer_bundle(answer)


def _completion(reply: ChatCompletion, include: Any = None, exclude: Any = None) -> Bundle:
    from groqnb.render.message import answer_bundle
    from groqnb.types.answer_builder import AnswerBuilder

    builder = AnswerBuilder(model=reply.model, where=where_from(reply.headers))
    builder.complete(reply)
    return answer_bundle(builder.build(headers=reply.headers))


def where_from(headers: Any) -> str:
    """Where a reply came from as far as its headers tell: "local", or "" for no badge."""
    return "local" if headers and headers.get("x-groqnb-engine") == "local" else ""


def _chart(chart: Chart, include: Any = None, exclude: Any = None) -> Bundle:
    from groqnb.render.charts import chart_bundle

    return chart_bundle(chart)


_FORMATTERS = {
    ("groqnb.types.answer", "Answer"): _answer,
    ("groqnb.types.charts", "Chart"): _chart,
    ("groqnb.types.chat", "ChatCompletion"): _completion,
}
