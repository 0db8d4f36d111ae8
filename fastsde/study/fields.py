"""The kinds of field a study is made of: strict numbers and words that say in plain words what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

__all__ = [
    "LARGEST",
    "Count",
    "Expect",
    "Fault",
    "NameIn",
    "Number",
    "Positive",
    "Real",
    "Section",
    "Seed",
    "Share",
    "Size",
    "Tail",
    "listed",
    "refuse",
]

REFUSED = "refused"
LARGEST = 1e15
"""Largest magnitude of a number in a study: its square, and products of several, are far from overflow."""
LARGEST_SIZE = 2**32
"""Most samples of a data set or a batch."""
LARGEST_COUNT = 2**53


class Section(BaseModel):
    """A table of the study file: frozen, strict about types, and closed to unknown keys.

    Attributes
    ----------
    synonyms : mapping of str to str
        What people write for the `kind` of this class, and what to write in its place.
    hints : mapping of str to str
        Keys that the table does not have but people look for, and what to do instead; of keys that it must
        have, how to add them.
    shorthands : mapping of str to str
        Keys that a file may have and that are resolved to others when it is read, and what they expect.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    synonyms: ClassVar[Mapping[str, str]] = {}
    hints: ClassVar[Mapping[str, str]] = {}
    shorthands: ClassVar[Mapping[str, str]] = {}


@dataclass(frozen=True)
class Expect:
    """Annotation: whatever is wrong with the value, say that `text` was expected.

    One sentence replaces pydantic's list of what each branch of a union disliked. Complaints about the items
    of a list or table keep their own place and text.
    """

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._validate, handler(source))

    def _validate(self, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            if isinstance(value, tuple | list | dict) and any(item["loc"] for item in error.errors()):
                raise
            raise PydanticCustomError(REFUSED, "{allowed}", {"allowed": self.text}) from None


class NameIn(str):
    """A name that a registry has when the study is validated; each subclass says which registry.

    The value itself stays a plain string.

    Attributes
    ----------
    registry : mapping of str to object
        The declarations by name.
    """

    registry: ClassVar[Mapping[str, Any]]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(cls._validate, core_schema.str_schema())

    @classmethod
    def _validate(cls, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, str) or value not in cls.registry:
            allowed = "one of " + ", ".join(cls.registry)
            raise PydanticCustomError(REFUSED, "{allowed}", {"allowed": allowed})
        return handler(value)


@dataclass(frozen=True)
class Fault:
    """Something wrong that only shows when fields are seen together.

    Parameters
    ----------
    where : tuple of str and int
        Path from the section that complains.
    value : object
        What was found there.
    allowed, mend : str
        What may stand there, and what to do.
    """

    where: tuple[str | int, ...]
    value: Any
    allowed: str
    mend: str = ""

    def details(self) -> InitErrorDetails:
        """Give the fault in pydantic's form."""
        context = {"allowed": self.allowed, "mend": self.mend}
        kind = PydanticCustomError(REFUSED, "{allowed}", context)
        return InitErrorDetails(type=kind, loc=self.where, input=self.value)


def refuse(faults: Iterable[Fault]) -> None:
    """Raise pydantic's ValidationError with all `faults`; do nothing when there are none."""
    details = [fault.details() for fault in faults]
    if details:
        _raise(details)


def _raise(details: list[InitErrorDetails]) -> NoReturn:
    raise ValidationError.from_exception_data("study", details)


def _whole(value: Any) -> Any:
    """Take 1e5 for 100000: TOML has no exponent for integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


listed = BeforeValidator(_frozen)
Whole = BeforeValidator(_whole)

Count = Annotated[int, Whole, Field(ge=1, le=LARGEST_COUNT), Expect("a whole number from 1 to 2^53")]
Size = Annotated[int, Whole, Field(ge=1, le=LARGEST_SIZE), Expect("a whole number from 1 to 2^32")]
Seed = Annotated[int, Whole, Field(ge=0, lt=2**63), Expect("a whole number from 0 to 2^63 - 1")]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST), Expect("a number from -1e15 to 1e15")]
Real = Annotated[float, Field(ge=0, le=LARGEST), Expect("a number from 0 to 1e15")]
Positive = Annotated[float, Field(gt=0, le=LARGEST), Expect("a number above 0, at most 1e15")]
Share = Annotated[float, Field(gt=0, le=1), Expect("a number above 0, at most 1")]
Tail = Annotated[float, Field(gt=0, le=2), Expect("a number above 0, at most 2 (2 is Gaussian)")]
