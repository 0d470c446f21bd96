"""The parameters of a chat completion that shape its answer: ranges, defaults, who supports them.

What the documentation says, as data: a playground makes its controls from it. Docs: API Reference,
Create chat completion; Reasoning; Service tiers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from groqnb import catalog
from groqnb.types.errors import ParameterError

__all__ = ["PARAMETERS", "Parameter", "check", "support"]

Kind = Literal["number", "integer", "choice", "lines", "switch"]


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes:
        name: as the API calls it.
        kind: "number", "integer", "choice", "lines" (texts, one a line) or "switch" (true, false).
        about: what it does, in a sentence.
        low, high: the range of a number; `high` may be the model's, see `support`.
        default: what counts where it is not sent; None where that is the model's own.
        choices: the values of a choice; which of them a model takes, tells `support`.
    """

    name: str
    kind: Kind
    about: str
    low: float | None = None
    high: float | None = None
    default: Any = None
    choices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("temperature", "number", "Lower is steadier, higher more varied.", 0, 2, 1),
    Parameter("top_p", "number", "Only the likeliest words up to this share.", 0, 1, 1),
    Parameter(
        "max_completion_tokens", "integer", "The most tokens that the answer may have.", 1, None
    ),
    Parameter("seed", "integer", "The same seed gives the same answer, as far as possible."),
    Parameter(
        "stop", "lines", f"Texts that end the answer, at most {catalog.limit('stop_sequences')}."
    ),
    Parameter(
        "reasoning_effort",
        "choice",
        "How long the model thinks first.",
        choices=("none", "default", "low", "medium", "high"),
    ),
    Parameter(
        "reasoning_format",
        "choice",
        "Where the reasoning goes: beside the answer, into its text, or nowhere.",
        choices=("parsed", "raw", "hidden"),
    ),
    Parameter("include_reasoning", "switch", "Whether the reasoning comes along.", default=True),
    Parameter(
        "response_format",
        "choice",
        "JSON mode: the answer is valid JSON; say in the prompt which.",
        default="text",
        choices=("text", "json_object"),
    ),
    Parameter(
        "service_tier",
        "choice",
        "How the request is queued and limited.",
        default="on_demand",
        choices=("on_demand", "flex", "auto", "performance"),
    ),
    Parameter("frequency_penalty", "number", "Fewer words that came often.", -2, 2, 0),
    Parameter("presence_penalty", "number", "Fewer words that came at all.", -2, 2, 0),
    Parameter("n", "integer", "How many answers.", 1, 1, 1),
    Parameter("logprobs", "switch", "How likely each token was.", default=False),
    Parameter("top_logprobs", "integer", "How many likely tokens are told.", 0, 20),
)

_BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}

_NOWHERE = {
    "frequency_penalty": "The documentation says that no model supports it yet.",
    "presence_penalty": "The documentation says that no model supports it yet.",
    "n": "Only 1 is supported.",
    "logprobs": "The API refuses it: no model supports it yet.",
    "top_logprobs": "The API refuses it: no model supports it yet.",
}


def support(model: str) -> dict[str, dict[str, Any]]:
    """What is special about a model: by parameter `why` it is not supported, or its own limits.

    `high` is a model's own upper end, `choices` are those that it takes, `default` is its own. Of a
    model that the catalogue does not know, only what holds for all is told.

    ```python
    >>> support("llama-3.3-70b-versatile")["reasoning_effort"]["why"]
    'llama-3.3-70b-versatile does not reason.'
    >>> support("openai/gpt-oss-20b")["reasoning_effort"]["choices"]
    ['low', 'medium', 'high']

    ```
    """
    found: dict[str, dict[str, Any]] = {name: {"why": why} for name, why in _NOWHERE.items()}
    known = catalog.find(model)
    if known is None:
        return found
    can = known.capabilities
    if known.max_completion_tokens:
        found["max_completion_tokens"] = {"high": known.max_completion_tokens}
    if not can.get("reasoning"):
        silent = known.kind != "compound"
        for name in ("reasoning_effort", *(["reasoning_format", "include_reasoning"] * silent)):
            found[name] = {"why": f"{model} does not reason."}
        if not silent:
            found["reasoning_effort"] = {"why": f"{model} decides by itself how to reason."}
    else:
        efforts = list(can.get("reasoning_effort_values") or ())
        found["reasoning_effort"] = {
            "choices": efforts,
            "default": can.get("reasoning_effort_default", "default"),
        }
        if can.get("reasoning_format_supported") is False:
            found["reasoning_format"] = {
                "why": f"{model} tells its reasoning apart always; see include_reasoning."
            }
    if not can.get("json_mode"):
        found["response_format"] = {"why": f"{model} has no JSON mode."}
    return found


def check(values: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The values as parameters of the API; those that are None are left out.

    Raises ParameterError for an unknown name, a value out of its range, and what the model does
    not support.

    ```python
    >>> check({"temperature": 0.5, "response_format": "json_object", "seed": None}, "m")
    {'temperature': 0.5, 'response_format': {'type': 'json_object'}}

    ```
    """
    special = support(model)
    found: dict[str, Any] = {}
    for name, value in values.items():
        parameter = _BY_NAME.get(name)
        if parameter is None:
            raise ParameterError(
                f"there is no control for {name!r}.", hint=f"There are {', '.join(_BY_NAME)}."
            )
        if value is None or value in ("", [], ()):
            continue
        own = special.get(name, {})
        if "why" in own:
            raise ParameterError(f"{name} cannot be set: {own['why']}")
        found[name] = _checked(parameter, value, own)
    if "include_reasoning" in found and "reasoning_format" in found:
        raise ParameterError(
            "include_reasoning and reasoning_format exclude each other.", hint="Clear one of them."
        )
    return found


def _checked(parameter: Parameter, value: Any, own: Mapping[str, Any]) -> Any:
    name, kind = parameter.name, parameter.kind
    if kind in ("number", "integer"):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        # Infinity is no whole number either.
        broken = isinstance(value, float) and not value.is_integer()
        if not number or (kind == "integer" and broken):
            what = "a whole number" if kind == "integer" else "a number"
            raise ParameterError(f"{name} is {value!r}; it is {what}.")
        low, high = parameter.low, own.get("high", parameter.high)
        if (low is not None and value < low) or (high is not None and value > high):
            reach = f"from {low:g} to {high:,}" if high is not None else f"at least {low:g}"
            raise ParameterError(f"{name} is {value}; it goes {reach}.")
        return int(value) if kind == "integer" else value
    if kind == "switch":
        if not isinstance(value, bool):
            raise ParameterError(f"{name} is {value!r}; it is True or False.")
        return value
    if kind == "lines":
        lines = [value] if isinstance(value, str) else [str(each) for each in value]
        if len(lines) > catalog.limit("stop_sequences"):
            raise ParameterError(
                f"{len(lines)} stop sequences; at most {catalog.limit('stop_sequences')} are "
                "allowed."
            )
        return lines
    if name == "response_format" and isinstance(value, Mapping):
        return dict(value)
    choices = own.get("choices", parameter.choices)
    if value not in choices:
        raise ParameterError(f"{name} is {value!r}; it is one of {', '.join(choices)}.")
    return {"type": value} if name == "response_format" else value
