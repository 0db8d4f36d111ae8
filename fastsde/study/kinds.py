"""Tables of a study file whose `kind` chooses their class among those that are registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from fastsde.study.fields import Section
from fastsde.system.registry import Registry

__all__ = ["Kind"]


class Kind(Section):
    """A table with a `kind`. The class that has a registry as `kinds` represents all classes in it.

    A field of that class takes a table of any registered kind. The registry is asked when a study is
    validated, so that kinds may be registered later than the field is declared.

    Examples
    --------
    ::

        class Shape(Kind):
            kinds = Registry("shape")

        @Shape.kinds.register
        class Circle(Shape):
            kind: Literal["circle"] = "circle"
            radius: float

        class Drawing(Section):
            shape: Shape

        Drawing(shape={"kind": "circle", "radius": 2.0}).shape.radius
    """

    kinds: ClassVar[Registry[Any]]
    """The registered classes; only of a class that represents several."""
    name: ClassVar[str]
    """The `kind` that a class has."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Name the class by the value of its `kind`."""
        super().__pydantic_init_subclass__(**options)
        field = cls.model_fields.get("kind")
        if field is not None and isinstance(field.default, str):
            cls.name = field.default

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate a table as its own class, or as that of its `kind` where the class represents several."""
        if "kinds" in vars(cls):
            return core_schema.no_info_plain_validator_function(cls.of_kind)
        return handler(source)

    @classmethod
    def of_kind(cls, table: Any) -> Self:
        """Validate a table as the registered class of its `kind`.

        Raises
        ------
        pydantic.ValidationError
            Also where there is no such kind.
        """
        if isinstance(table, cls):
            return table
        choices: dict[Any, Mapping[str, Any]] = {
            name: core_schema.no_info_plain_validator_function(kind.model_validate)
            for name, kind in cls.kinds.items()
        }
        validator = SchemaValidator(core_schema.tagged_union_schema(choices, discriminator="kind"))
        chosen: Self = validator.validate_python(table)
        return chosen
