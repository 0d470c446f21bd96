"""`@groqnb.tool`: a Python function, described for a model. Docs: "Tool Use", "Tool Schema"."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, TypeVar, get_type_hints, overload

from typing_extensions import NotRequired, Required, TypedDict

from groqnb.tools.docstrings import described
from groqnb.types.answer_type import place, without_absent
from groqnb.types.errors import ParameterError
from groqnb.types.schema import to_subset

__all__ = ["ArgumentError", "Tool", "as_tools", "tool"]

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_FAULTS = 5


class ArgumentError(ValueError):
    """Arguments of a model that do not fit the function; the text is written for the model."""


class Tool(dict[str, Any]):
    """A function as a tool. It is the dict that goes into `tools=`, and can be called as before.

    Attributes:
        name: what the model calls it.
        function: the function itself.
        effects: True when it changes something outside; it is confirmed before it runs.
        timeout: seconds that a call may take.

    ```python
    weather["function"]["parameters"]
    weather("Paris")
    client.chat.completions.create(model=m, messages=q, tools=[weather])
    ```
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        effects: bool = False,
        strict: bool = False,
        timeout: float = 60.0,
    ) -> None:
        _check(function, timeout)
        self.name = name or str(getattr(function, "__name__", ""))
        if not _NAME.fullmatch(self.name):
            raise ParameterError(
                f"A tool cannot be called {self.name!r}.",
                hint="Give a name of up to 64 letters, digits, _ and -: @groqnb.tool(name=...).",
            )
        self.function = function
        self.effects = effects
        self.timeout = timeout
        about, parameters = described(function.__doc__)
        self._adapter, described_as = _adapter(function, self.name, parameters)
        schema = _untitled(described_as)
        #: What the strict schema says otherwise than the signature, in words.
        self.changes: tuple[str, ...] = ()
        self._lenient: dict[str, Any] | None = None
        if strict:
            subset = to_subset(schema)
            self._lenient, self.changes, schema = schema, subset.changes, subset.schema
        own = {"name": self.name, "description": description or about or self.name}
        super().__init__(
            type="function",
            function={**own, "parameters": schema, **({"strict": True} if strict else {})},
        )
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function, or an async generator's."""
        called = getattr(self.function, "__call__", None)  # noqa: B004 - of an object
        return any(
            inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
            for each in (self.function, called)
        )

    def arguments(self, text: str) -> dict[str, Any]:
        """The keyword arguments that a model's JSON stands for. Raises ArgumentError."""
        from pydantic import ValidationError
        from pydantic_core import from_json, to_json

        try:
            given = from_json(text or "{}")
        except ValueError as error:
            raise ArgumentError(f"The arguments are not JSON: {error}.") from None
        if self._lenient is not None:
            given = without_absent(given, self._lenient, self._lenient)
        try:
            # From JSON, where a date is a text and a tuple is a list.
            checked: dict[str, Any] = self._adapter.validate_json(to_json(given))
            # An Iterable is checked as it is read: here, not within the function.
            return {
                name: list(value) if isinstance(value, Iterator) else value
                for name, value in checked.items()
            }
        except ValidationError as error:
            faults = [
                f"{place(fault['loc']) or 'arguments'}: {fault['msg']}"
                for fault in error.errors(include_url=False, include_input=False)
            ]
            raise ArgumentError("; ".join(faults[:_MOST_FAULTS])) from None

    def __repr__(self) -> str:
        return (
            f"<tool {self.name}({', '.join(self['function']['parameters'].get('properties', ()))})>"
        )

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


@overload
def tool(
    function: Callable[..., Any],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effects: bool = False,
    strict: bool = False,
    timeout: float = 60.0,
) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    effects: bool = False,
    strict: bool = False,
    timeout: float = 60.0,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a function a tool of models; its signature and docstring describe it.

    Every parameter needs a type: plain ones, `Literal`, enums, `Optional`, lists, dataclasses,
    TypedDicts, pydantic models. What the docstring says of a parameter (in the style of Google,
    numpy or Sphinx) goes along. `effects=True` has each call confirmed before it runs;
    `strict=True` brings the schema into the subset of structured outputs; `timeout` is in
    seconds. Async functions are welcome. What has no name of its own, and a method, are made tools
    by a call: `groqnb.tool(shop.order, name="order", effects=True)`.

    Raises ParameterError for a signature that cannot be described.

    ```python
    @groqnb.tool
    def weather(city: str, unit: Literal["C", "F"] = "C") -> dict:
        '''The weather of today.

        Args:
            city: its name in English
        '''
        return {"temperature": 21, "unit": unit}
    ```

    Docs: Tool Use.
    """
    if function is None:
        return lambda given: Tool(given, **options)
    if isinstance(function, Tool) and not options:
        return function
    return Tool(function, **options)


def as_tools(given: Any) -> list[Any]:
    """Functions as tools; dicts (of tools that others carry out) stay as they are.

    Raises ParameterError for anything else, and for two tools of one name.
    """
    if callable(given) or isinstance(given, Mapping):
        given = [given]
    elif not isinstance(given, Iterable):
        raise ParameterError(
            f"tools is of type {type(given).__name__}; it is a list of functions.",
            hint="Pass functions, as in tools=[weather].",
        )
    made: list[Any] = []
    for each in given:
        if isinstance(each, Tool | Mapping):
            made.append(each)
        elif callable(each):
            made.append(Tool(each))
        else:
            raise ParameterError(
                f"A tool is a function or a dict, not {type(each).__name__}.",
                hint="Pass functions, as in tools=[weather].",
            )
    names = [_called(each) for each in made if "function" in each]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ParameterError(f"Two tools are called {min(twice)!r}.")
    return made


def _called(tool: Mapping[str, Any]) -> str:
    function = tool["function"]
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str):
        raise ParameterError(
            "A tool that is a dict has no name.",
            hint="Write {'type': 'function', 'function': {'name': ..., 'parameters': ...}}.",
        )
    return name


def _adapter(
    function: Callable[..., Any], name: str, said: Mapping[str, str]
) -> tuple[Any, dict[str, Any]]:
    """What checks the arguments, and their schema.

    It is made of a TypedDict, so that any name of a parameter will do.
    """
    from pydantic import ConfigDict, Field, TypeAdapter, with_config
    from pydantic.errors import PydanticUserError

    try:
        signature = inspect.signature(function)
        hints = _hints(_annotated(function))
    except (TypeError, ValueError, NameError) as error:
        raise ParameterError(f"The signature of {name} cannot be read: {error}.") from None
    fields: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ParameterError(
                f"{name} takes {parameter}; a tool's parameters have names, and are all listed."
            )
        if parameter.name not in hints:
            method = parameter.name in ("self", "cls") and not fields
            raise ParameterError(
                f"The parameter {parameter.name} of {name} has no type.",
                hint=f"Make the method of an object a tool: groqnb.tool(thing.{name})."
                if method
                else f"Write {parameter.name}: str, for example.",
            )
        hint = hints[parameter.name]
        told = said.get(parameter.name)
        extra: dict[str, Any] = {}
        has_default = parameter.default is not parameter.empty
        if has_default and _has_json(parameter.default):
            extra["json_schema_extra"] = {"default": parameter.default}
        if told or extra:
            hint = Annotated[hint, Field(description=told, **extra)]
        fields[parameter.name] = NotRequired[hint] if has_default else Required[hint]
    form: Any = TypedDict("Arguments", fields)  # type: ignore[misc]
    try:
        adapter = TypeAdapter(with_config(ConfigDict(extra="forbid"))(form))
        return adapter, adapter.json_schema()
    except PydanticUserError as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise ParameterError(f"{name} cannot be a tool: {why}.") from None


def _check(function: object, timeout: object) -> None:
    if isinstance(function, Tool):
        raise ParameterError(
            f"{function.name} is a tool already.", hint="Give its options where it is made one."
        )
    if not callable(function):
        raise ParameterError(f"A tool is a function, not {type(function).__name__}.")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ParameterError(
            f"timeout is {timeout!r}; it is a number of seconds above 0.",
            hint="float('inf') waits for ever.",
        )


def _has_json(default: object) -> bool:
    """Whether JSON has this plain value: it has no infinity."""
    if isinstance(default, float):
        return math.isfinite(default)
    return isinstance(default, str | int)


def _hints(function: Any) -> dict[str, Any]:
    """The types of the parameters. What it returns may be known to type checkers alone."""
    try:
        return get_type_hints(function, include_extras=True)
    except NameError:
        known = {**function.__annotations__}
        if "return" not in known:
            raise

    def plain() -> None: ...

    del known["return"]
    plain.__annotations__ = known
    names = getattr(inspect.unwrap(function), "__globals__", {})
    return get_type_hints(plain, names, include_extras=True)


def _annotated(function: Callable[..., Any]) -> Any:
    """What has the annotations: of a partial its function, of an object its `__call__`."""
    while isinstance(function, functools.partial):
        function = function.func
    plain = inspect.isroutine(function) or inspect.isclass(function)
    return function if plain else type(function).__call__


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names: each costs tokens, none says anything."""
    if isinstance(schema, list):
        return [_untitled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(each) for name, each in value.items()}
        if key in ("properties", "$defs")
        else _untitled(value)
        for key, value in schema.items()
        if key != "title"
    }
