"""From the options of a question to the call that is to be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from groqnb import magic_audio, magic_images
from groqnb.conversation import Question, single
from groqnb.interpolation import interpolate, value_of
from groqnb.magic_parser import Ask, GrammarError, json_value, model_names
from groqnb.session import session

if TYPE_CHECKING:
    from groqnb.magic_parser import Param

__all__ = ["question_of"]


def question_of(shell: Any, asked: Ask, text: str, names: Mapping[str, Any]) -> Question:
    """The call that `asked` says, with `text` as the prompt.

    Raises GrammarError and InterpolationError for mistakes in them.
    """

    def fill(value: str) -> str:
        return value if asked.raw else interpolate(value, names)

    text = fill(text)
    if not text.strip():
        raise GrammarError("nothing to ask: the prompt is empty once {{ }} is filled in")
    system = None if asked.system is None else fill(asked.system)
    chat = None if asked.chat is None else session.chat(asked.chat)
    found: Callable[[str], Any] = str if asked.raw else lambda value: value_of(value, names)
    images = magic_images.read(
        asked,
        names,
        found,
        earlier=chat.messages if chat is not None else (),
    )
    text = magic_audio.prompt(text, magic_audio.hear(shell, asked, names, found))
    content = magic_images.content(text, images)
    messages = single(content, system=system) if chat is None else chat.ask(content, system=system)
    usual, remark = session.default_model, ""
    if asked.model is None:
        model = magic_images.model_for(usual, messages)
        remark = f"{usual} takes no images" if model != usual else ""
    else:
        model = fill(asked.model)
    question = Question(
        messages,
        model=model,
        params={n: _value(param, names, raw=asked.raw) for n, param in asked.params.items()},
        chat=asked.chat,
        images=images,
        remark=remark,
    )
    if asked.kind is not None or asked.tools is not None or asked.guard is not None:
        _add_form_and_tools(question, asked, names)
    return question


def _add_form_and_tools(question: Question, asked: Ask, names: Mapping[str, Any]) -> None:
    """What `--as`, `--tools` and `--guard` say."""
    from groqnb import magic_guard, magic_tools, magic_typed

    if asked.kind is not None and asked.tools is not None:
        raise GrammarError("--as and --tools exclude each other: ask with tools first")
    if len(model_names(question.model)) > 1:
        raise GrammarError("--as, --tools and --guard go with one model: name one after -m")
    for option, name in (("--as", "response_format"), ("--tools", "tools")):
        if name in question.params and getattr(asked, "kind" if option == "--as" else "tools"):
            raise GrammarError(f"{option} and -p {name}=… exclude each other")
    if asked.kind == "json":
        question.params["response_format"] = {"type": "json_object"}
    elif asked.kind is not None:
        question.kind = magic_typed.kind_of(asked.kind, names)
    if asked.tools is not None:
        question.tools = magic_tools.find(asked.tools, names)
    if asked.guard is not None:
        question.guard = magic_guard.guard_of(asked.guard)


def _value(param: Param, names: Mapping[str, Any], *, raw: bool) -> Any:
    if raw or "{{" not in param.text:
        return param.value()
    value = value_of(param.text, names)
    if isinstance(value, str):
        with suppress(ValueError):
            return json_value(value)
    return value
