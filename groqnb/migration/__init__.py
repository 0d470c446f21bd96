"""What an OpenAI-style call has that Groq refuses, ignores or names otherwise.

Docs: "OpenAI Compatibility", "Model Migration", the API Reference's lists of unsupported fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from groqnb import catalog
from groqnb.migration.responses import responses
from groqnb.types.findings import Finding, Findings

__all__ = ["Finding", "Findings", "check_call"]


_ORDER = {"refused": 0, "changed": 1, "advice": 2}
_UNSUPPORTED = ("logprobs", "top_logprobs", "logit_bias")
_OTHER_NAMES = {
    "functions": ("tools", "Write the functions as tools: {'type': 'function', 'function': …}."),
    "function_call": ("tool_choice", "Use tool_choice."),
    "max_tokens": ("max_completion_tokens", "Use max_completion_tokens; it means the same."),
}
_FOREIGN = {
    "audio": "Spoken answers are made by audio.speech.create.",
    "modalities": "Answers are text; leave it out.",
    "prediction": "There are no predicted outputs; leave it out.",
    "web_search_options": "Ask groq/compound, or add the tool browser_search to a gpt-oss model.",
    "best_of": "Ask several times instead.",
    "suffix": "Put it into the prompt.",
    "prompt": "Send messages: [{'role': 'user', 'content': …}].",
    "verbosity": "Say in the prompt how long the answer should be.",
    "safety_identifier": "Use user.",
    "prompt_cache_key": "Prompts are cached by their beginning; leave it out.",
    "prompt_cache_retention": "Leave it out.",
}
_FOREIGN_TOOLS = (
    *("web_search", "web_search_preview", "file_search", "computer_use_preview"),
    *("custom", "local_shell", "shell", "apply_patch", "image_generation"),
)
_OTHERS_MODELS = ("gpt-3", "gpt-4", "gpt-5", "o1", "o3", "o4", "claude", "gemini", "grok")
_KINDS = {
    "large": "openai/gpt-oss-120b",
    "small": "llama-3.1-8b-instant",
    "hearing": "whisper-large-v3-turbo",
    "speech": "playai-tts",
}


def check_call(params: Mapping[str, Any] | None = None, /, **more: Any) -> Findings:
    """Reads a call as it would go to OpenAI, and tells what Groq makes of it; nothing is sent.

    The parameters are those of `chat.completions.create`, `responses.create` (with `input`),
    `audio.speech.create` (with `voice`) or `audio.transcriptions.create` (with `file` or `url`), as
    keywords or as one dict.

    ```python
    found = groqnb.migration.check_call(model="gpt-4o", messages=q, logprobs=True, n=3)
    found.to_frame()
    ```

    Docs: OpenAI Compatibility; Model Migration.
    """
    call = {**(params or {}), **more}
    checks: tuple[Callable[[Mapping[str, Any]], Iterator[Finding]], ...]
    if "voice" in call and "messages" not in call:
        checks = (_model, _speech)
    elif "input" in call and "messages" not in call:
        checks = (_model, responses, _reasoning, _numbers, _tools)
    elif _is_sound(call):
        checks = (_model, _transcription)
    else:
        checks = (_model, _chat, _messages, _reasoning, _numbers, _format, _tools, _advice)
    found = [finding for check in checks for finding in check(call)]
    return Findings(sorted(found, key=lambda each: _ORDER[each.effect]))


def _is_sound(call: Mapping[str, Any]) -> bool:
    return "file" in call or ("url" in call and "messages" not in call)


def _model(call: Mapping[str, Any]) -> Iterator[Finding]:
    name = call.get("model")
    if not isinstance(name, str):
        yield Finding("model", "refused", "The model is missing.", "Name one of %groq models.")
        return
    if catalog.find(name) is not None or name.startswith("ft:"):
        return
    near = catalog.near(name)
    if near:
        instead = f"Did you mean {' or '.join(near)}?"
    elif name.startswith("whisper") or _is_sound(call):
        instead = f"{_KINDS['hearing']} transcribes."
    elif "voice" in call:
        instead = f"{_KINDS['speech']} speaks."
    else:
        size = "small" if "mini" in name or "nano" in name or "flash" in name else "large"
        instead = f"For example {_KINDS[size]}; `%groq models` lists all."
    whose = "is another company's" if name.lower().startswith(_OTHERS_MODELS) else "is not known"
    yield Finding("model", "refused", f"The model {name} {whose}.", instead)


def _chat(call: Mapping[str, Any]) -> Iterator[Finding]:
    for name in _UNSUPPORTED:
        if call.get(name) is not None:
            yield Finding(name, "refused", f"{name} is not supported (400).", "Leave it out.")
    if call.get("n") not in (None, 1):
        yield Finding(
            "n",
            "refused",
            "n must be 1 (400).",
            "Ask several times at once, as groqnb.patterns.self_consistency does.",
        )
    for name in ("store", "metadata"):
        if call.get(name):
            yield Finding(name, "changed", "Nothing is stored.", "Leave it out.")
    for name, (new, instead) in _OTHER_NAMES.items():
        if call.get(name) is not None:
            yield Finding(name, "changed", f"{name} is deprecated; {new} took its place.", instead)
    for name, instead in _FOREIGN.items():
        if call.get(name) is not None:
            yield Finding(name, "refused", f"{name} is not a parameter of Groq's (400).", instead)
    tier = call.get("service_tier")
    if tier not in (None, "auto", "on_demand", "flex", "performance"):
        yield Finding(
            "service_tier",
            "refused",
            f"There is no service tier {tier!r}.",
            "Use on_demand (usual), flex, auto or performance.",
        )


def _messages(call: Mapping[str, Any]) -> Iterator[Finding]:
    if not call.get("messages") and "prompt" not in call:
        yield Finding("messages", "refused", "There are none.", _FOREIGN["prompt"])
    info = catalog.find(str(call.get("model")))
    blind = info is not None and not info.capabilities.get("vision")
    for index, message in enumerate(call.get("messages") or ()):
        if not isinstance(message, Mapping):
            continue
        place, role = f"messages[{index}]", message.get("role")
        if message.get("name") is not None and role != "function":
            yield Finding(
                f"{place}.name",
                "refused",
                "Messages may have no name (400).",
                "Write who speaks into the content.",
            )
        if role == "developer":
            yield Finding(
                f"{place}.role", "changed", "developer is OpenAI's word for system.", "Use system."
            )
        content = message.get("content")
        for number, part in enumerate(content if isinstance(content, list) else ()):
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind in ("input_audio", "file"):
                yield Finding(
                    f"{place}.content[{number}]",
                    "refused",
                    f"Messages hold text and images, no {kind}.",
                    "Transcribe sound first: groqnb.transcribe; read files into text.",
                )
            elif kind == "image_url" and blind:
                yield Finding(
                    f"{place}.content[{number}]",
                    "refused",
                    f"{call['model']} takes no images.",
                    f"These do: {', '.join(_able('vision'))}.",
                )


def _reasoning(call: Mapping[str, Any]) -> Iterator[Finding]:
    place, effort = "reasoning_effort", call.get("reasoning_effort")
    told = call.get("reasoning")
    if isinstance(told, Mapping):
        place, effort = "reasoning.effort", told.get("effort")
    info = catalog.find(str(call.get("model")))
    if effort is None or info is None:
        return
    taken = info.capabilities.get("reasoning_effort_values") or ()
    if not taken:
        instead = f"Leave it out, or ask one of these: {', '.join(_able('reasoning'))}."
        yield Finding(place, "refused", f"{info.id} has no setting for its reasoning.", instead)
    elif effort not in taken:
        what = f"{info.id} does not take {effort!r}."
        yield Finding(place, "refused", what, f"It takes {', '.join(taken)}.")


def _able(what: str) -> list[str]:
    """The models for conversations that can do something."""
    models = catalog.models()
    return [each.id for each in models if each.kind == "chat" and each.capabilities.get(what)]


def _numbers(call: Mapping[str, Any]) -> Iterator[Finding]:
    temperature = call.get("temperature")
    if temperature == 0:
        yield Finding(
            "temperature", "changed", "0 becomes 1e-8.", "Nothing to do; a seed helps as well."
        )
    elif isinstance(temperature, (int, float)) and not 0 <= temperature <= 2:
        yield Finding("temperature", "refused", "It goes from 0 to 2.", "")
    stop = call.get("stop")
    if isinstance(stop, (list, tuple)) and len(stop) > catalog.limit("stop_sequences"):
        most = catalog.limit("stop_sequences")
        yield Finding("stop", "refused", f"At most {most} sequences are allowed.", "")


def _format(call: Mapping[str, Any]) -> Iterator[Finding]:
    form = call.get("response_format")
    kind = form.get("type") if isinstance(form, Mapping) else None
    if isinstance(form, type):
        yield Finding(
            "response_format",
            "changed",
            "A class goes to client.chat.completions.parse, not to create.",
            "groqnb's client has parse; it brings the schema into the supported subset.",
        )
    info = catalog.find(str(call.get("model")))
    if kind == "json_schema":
        if info is not None and not info.capabilities.get("structured_outputs"):
            yield Finding(
                "response_format",
                "refused",
                f"{info.id} keeps to no schema.",
                f"These do: {', '.join(_able('structured_outputs'))}.",
            )
        for name, instead in (
            ("stream", "Leave stream out: the form comes in one piece."),
            ("tools", "Ask with the tools first, and for the form in a second call."),
        ):
            if call.get(name):
                what = f"{name} and a schema exclude each other."
                yield Finding(name, "refused", what, instead)


def _tools(call: Mapping[str, Any]) -> Iterator[Finding]:
    info = catalog.find(str(call.get("model")))
    for index, tool in enumerate(call.get("tools") or ()):
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if kind in _FOREIGN_TOOLS:
            yield Finding(
                f"tools[{index}]",
                "refused",
                f"There is no tool {kind}.",
                "Ask groq/compound for the web; browser_search is a tool of the gpt-oss models.",
            )
    yield from _tool_choice(call)
    one_by_one = info is not None and info.capabilities.get("parallel_tool_use") is False
    if call.get("parallel_tool_calls") and one_by_one:
        yield Finding(
            "parallel_tool_calls",
            "changed",
            f"{call['model']} calls one tool at a time.",
            "Leave it out.",
        )


def _tool_choice(call: Mapping[str, Any]) -> Iterator[Finding]:
    choice = call.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, Mapping) else None
    if kind not in (None, "function"):
        yield Finding(
            "tool_choice",
            "refused",
            f"There is no tool choice of the type {kind}.",
            "Send only the tools that are allowed; choose auto, none, required or one function.",
        )


def _speech(call: Mapping[str, Any]) -> Iterator[Finding]:
    name = str(call.get("model"))
    voices = catalog.voices(name) or catalog.voices(_KINDS["speech"])
    if call["voice"] not in voices:
        yield Finding(
            "voice",
            "refused",
            f"There is no voice {call['voice']!r}.",
            f"Use one of its own, such as {voices[0]}.",
        )


def _transcription(call: Mapping[str, Any]) -> Iterator[Finding]:
    if call.get("response_format") in ("vtt", "srt"):
        yield Finding(
            "response_format",
            "refused",
            f"{call['response_format']} is not supported.",
            "Ask for verbose_json; groqnb.transcribe(…).to_srt() and .to_vtt() make subtitles.",
        )


def _advice(call: Mapping[str, Any]) -> Iterator[Finding]:
    roles = [m.get("role") for m in call.get("messages") or () if isinstance(m, Mapping)]
    if roles and "system" not in roles and "developer" not in roles:
        yield Finding(
            "messages",
            "advice",
            "There is no system message; other companies' models have hidden ones.",
            "Say who answers, in which tone and language, how long, and what to refuse.",
        )
    if call.get("temperature") is None:
        yield Finding(
            "temperature",
            "advice",
            "Open models are often better at 0.2 to 0.4 than at the usual 1.",
            "Begin with the value that you had, measure, then change one thing.",
        )
    elif call.get("top_p") not in (None, 1):
        yield Finding("top_p", "advice", "Set temperature or top_p, not both.", "")
