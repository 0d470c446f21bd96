"""From the options of a question to the call that is to be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from groqnb.context import note, with_context
from groqnb.conversation import Question, single
from groqnb.interpolation import interpolate, value_of
from groqnb.magics import audio as magic_audio
from groqnb.magics import images as magic_images
from groqnb.magics.forms import FORMS
from groqnb.magics.params import nested, value_from, with_wolfram
from groqnb.magics.parser import Ask, GrammarError, json_value, model_names
from groqnb.session import session
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.context import Piece
    from groqnb.magics.parser import Param

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
    pieces = _context(shell, asked, names, found)

    def messages_of(said: str) -> list[dict[str, Any]]:
        content = magic_images.content(with_context(said, pieces), images)
        return (single if chat is None else chat.ask)(content, system=system)

    messages = messages_of(text)
    usual, remark = session.default_model, ""
    if asked.model is None:
        model = magic_images.model_for(usual, messages)
        remark = f"{usual} takes no images" if model != usual else ""
    else:
        model = fill(asked.model)
    question = Question(
        messages,
        model=model,
        params=_params(asked, names, model_names(model)) if asked.params else {},
        chat=asked.chat,
        earlier="" if asked.prefill is None else fill(asked.prefill),
        images=images,
        remark=remark,
    )
    _add_documents(question, asked, names, found, pieces)
    _check_prefill(asked)
    if asked.kind is not None or asked.tools is not None or asked.guard is not None:
        _add_form_and_tools(question, asked, names)
    if asked.audio:
        # Last, since it costs: whatever is wrong with the rest is told before it.
        heard = magic_audio.hear(shell, asked, names, found)
        question.messages = messages_of(magic_audio.prompt(text, heard))
    return question


def _add_form_and_tools(question: Question, asked: Ask, names: Mapping[str, Any]) -> None:
    """What `--as`, `--tools` and `--guard` say."""
    from groqnb.magics import guard as magic_guard
    from groqnb.magics import tools as magic_tools
    from groqnb.magics import typed as magic_typed

    formed = asked.kind is None or asked.kind in FORMS
    if not formed and asked.tools is not None:
        raise GrammarError("--as and --tools exclude each other: ask with tools first")
    if len(model_names(question.model)) > 1:
        raise GrammarError("--as, --tools and --guard go with one model: name one after -m")
    for option, name in (("--as", "response_format"), ("--tools", "tools")):
        given = not formed if option == "--as" else asked.tools is not None
        if name in question.params and given:
            raise GrammarError(f"{option} and -p {name}=… exclude each other")
    if asked.kind is not None and formed:
        question.form, question.in_cell = FORMS[asked.kind], asked.kind == "cell"
    elif asked.kind == "json":
        question.params["response_format"] = {"type": "json_object"}
    elif asked.kind is not None:
        question.kind = magic_typed.kind_of(asked.kind, names)
    if asked.tools is not None:
        question.tools = magic_tools.find(asked.tools, names)
    if asked.guard is not None:
        question.guard = magic_guard.guard_of(asked.guard)


def _check_prefill(asked: Ask) -> None:
    if asked.prefill is None:
        return
    if asked.tools is not None:
        raise GrammarError("--prefill and --tools exclude each other: an answer is begun, no call")
    if asked.kind is not None and asked.kind not in FORMS:
        raise GrammarError(
            f"--prefill and --as {asked.kind} exclude each other: the form says how it begins"
        )


def _context(
    shell: Any, asked: Ask, names: Mapping[str, Any], found: Callable[[str], Any]
) -> list[Piece]:
    if not asked.df and asked.cells is None and not asked.err:
        return []
    from groqnb.magics.context import read

    return read(shell, asked, names, found)


def _add_documents(
    question: Question,
    asked: Ask,
    names: Mapping[str, Any],
    found: Callable[[str], Any],
    pieces: list[Piece],
) -> None:
    """What `--doc` names, and what is said of all that goes along."""
    if asked.docs:
        from groqnb.magics.documents import read

        if "documents" in question.params:
            raise GrammarError("--doc and -p documents=… exclude each other")
        texts = read(asked.docs, names, found)
        question.params["documents"] = [{"text": piece.text} for piece in texts]
        pieces = [*pieces, *texts]
    question.context = note(pieces)


def _params(asked: Ask, names: Mapping[str, Any], models: Iterable[str]) -> dict[str, Any]:
    """The parameters of `-p`, which all the models take, and what they need besides."""
    from groqnb.magics.checks import check_names, check_params

    given = {
        name: value_from(name, param, _value(param, names, raw=asked.raw))
        for name, param in asked.params.items()
    }
    try:
        check_names(given)
        params = with_wolfram(nested(given))
        for model in models:
            check_params(params, model)
        return params
    except ParameterError as error:
        raise GrammarError(f"-p: {error}") from None


def _value(param: Param, names: Mapping[str, Any], *, raw: bool) -> Any:
    if raw or "{{" not in param.text:
        return param.value()
    value = value_of(param.text, names)
    if isinstance(value, str):
        with suppress(ValueError):
            return json_value(value)
    return value
