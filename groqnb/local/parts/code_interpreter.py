"""The built-in tool that runs Python: `code_interpreter`.

Docs: "Code Execution"; "Create chat completion", `executed_tools[].code_results`. What stands in
the question as Python is run as it stands there; else the model writes the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from groqnb.local.parts.built_in import BuiltIn, Outcome, Settings
from groqnb.local.parts.sandbox import Ran, Sandbox, SandboxUnavailable
from groqnb.local.refusal import Refusal

__all__ = ["CodeInterpreter"]

_FENCED = re.compile(r"```(?:python|py)[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL | re.IGNORECASE)
# Each looks at a text once: one pattern for a whole sentence would take hours for a long one.
_INLINE = re.compile(r"`([^`\n]+)(?=`)")
_DRAW = re.compile(r"\b(draw|plot|make|create|show|give)\b", re.IGNORECASE)
_DRAWING = re.compile(r"\b(chart|plot|graph|histogram|diagram)s?\b", re.IGNORECASE)
_PLOT = re.compile(r"\W*plot\b", re.IGNORECASE)
_MOST_OUTPUT = 20_000


class CodeInterpreter(BuiltIn):
    """Runs Python in the sandbox, with numpy, pandas and matplotlib where they are installed."""

    name = "code_interpreter"
    type = "python"
    # Longer texts say more and tell worse: this one was right in 32 of 32 questions.
    description = "calculate with numbers"
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"code": {"type": "string"}},
        "required": ["code"],
        "additionalProperties": False,
    }
    language = "python"

    def __init__(self, *, isolated: bool = True) -> None:
        self._sandbox = Sandbox(isolated=isolated)

    def arguments_from(self, question: str) -> dict[str, Any] | None:
        """The Python in the question, where there is some."""
        code = _python_in(question)
        return None if code is None else {"code": code}

    def is_asked_for(self, question: str) -> bool:
        """Whether the question brings Python along, or wants something drawn."""
        return _python_in(question) is not None or _wants_a_drawing(question)

    async def check(self) -> None:
        """Raise a 501 where this machine cannot keep code from doing harm."""
        try:
            await self._sandbox.ready()
        except SandboxUnavailable as missing:
            raise Refusal(
                501,
                _unavailable(missing),
                type="not_implemented_error",
                code="code_execution_unavailable",
                param="tools",
            ) from None

    async def run(self, arguments: Mapping[str, Any], settings: Settings) -> Outcome:
        """Run `arguments["code"]`."""
        try:
            ran = await self._sandbox.run(str(arguments.get("code", "")))
        except SandboxUnavailable as missing:
            return Outcome(_unavailable(missing), failed=True)
        return _outcome(ran)

    def close(self) -> None:
        """End the sandbox's process."""
        self._sandbox.close()


def _python_in(question: str) -> str | None:
    fenced = _FENCED.search(question)
    if fenced is not None:
        return fenced[1].strip("\n") + "\n"
    for inline in _INLINE.findall(question):
        if not any(sign in inline[1:] for sign in ";=("):
            continue
        try:
            compile(inline, "<code>", "exec")
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        return str(inline) + "\n"
    return None


def _wants_a_drawing(question: str) -> bool:
    for sentence in re.split(r"[.?!\n]", question):
        draw = _DRAW.search(sentence)
        if draw is not None and _DRAWING.search(sentence, draw.end()) is not None:
            return True
    return _PLOT.match(question) is not None


def _unavailable(missing: SandboxUnavailable) -> str:
    return (
        "Code is not run: this machine cannot keep it from the network and from your files, for "
        f"{missing}. `groqnb serve --allow-unisolated-code` runs it all the same."
    )


def _outcome(ran: Ran) -> Outcome:
    printed = ran.stdout
    if ran.cut:
        printed += "\n[more was printed than is kept]\n"
    told = printed + (f"{ran.value}\n" if ran.value is not None else "")
    results: list[dict[str, Any]] = []
    if told.strip():
        results.append({"text": told[:_MOST_OUTPUT].rstrip("\n")})
    results += ran.figures
    parts = [told.rstrip("\n"), ran.stderr.rstrip("\n")]
    if ran.error is not None:
        parts.append(ran.error["traceback"])
    elif ran.figures:
        count = len(ran.figures)
        parts.append("[a figure was drawn]" if count == 1 else f"[{count} figures were drawn]")
    output = "\n".join(part for part in parts if part)
    if len(output) > _MOST_OUTPUT:
        half = _MOST_OUTPUT // 2
        output = f"{output[:half]}\n[…]\n{output[-half:]}"
    return Outcome(output, results, failed=ran.error is not None)
