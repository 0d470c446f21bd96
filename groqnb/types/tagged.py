"""Families of models: the field `type` says which of them an object is."""

from __future__ import annotations

from typing import Any, ClassVar

from groqnb.types.base import Model

__all__ = ["Tagged"]


class Tagged(Model):
    """A family: a class made directly from this one, and the members made from that.

    Parsed as the family's class, an object becomes the member for its `type`; a type that no
    member has gives the family's class itself, with all fields.

    ```python
    class Shape(Tagged):
        type: str


    class Circle(Shape, kinds=("circle",)):
        radius: float


    Shape.model_validate({"type": "circle", "radius": 1})  # a Circle
    Shape.model_validate({"type": "square", "side": 1}).side  # a Shape; 1
    ```
    """

    _members: ClassVar[dict[str, type[Tagged]]]

    def __init_subclass__(cls, kinds: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        if Tagged in cls.__bases__:
            cls._members = {}
        for kind in kinds:
            cls._members[kind] = cls

    @classmethod
    def core_schema(cls) -> Any:
        """What pydantic's core has to know to parse the family, or one member of it."""
        own = super().core_schema()
        if Tagged not in cls.__bases__:
            return own
        members = cls._members

        def tag(value: Any) -> str:
            kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
            return kind if isinstance(kind, str) and kind in members else ""

        choices = {kind: member.core_schema() for kind, member in members.items()}
        return {"type": "tagged-union", "discriminator": tag, "choices": {**choices, "": own}}
