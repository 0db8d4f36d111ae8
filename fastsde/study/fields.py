"""The types of the fields of a study: strict numbers and words, each with a description for messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from fastsde.system.errors import Complaint, StudyError

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
    "explain_with",
    "listed",
    "refuse",
]

REFUSED = "refused"
LARGEST = 1e15
"""Largest magnitude of a number in a study; its square, and products of several, are far from overflow."""
LARGEST_SIZE = 2**32
"""Largest number of samples of a data set or a batch."""
LARGEST_COUNT = 2**53


Explain = Callable[[ValidationError, type[Any]], list[Complaint]]
_explain: list[Explain] = []


def explain_with(explain: Explain) -> None:
    """Set the function that turns pydantic's errors about a table into messages, `fastsde.study.messages`."""
    _explain[:] = [explain]


class Section(BaseModel):
    """A table of the study file: immutable, with strict types and without unknown keys.

    Attributes
    ----------
    synonyms : mapping of str to str
        Other names that users may write for the `kind` of this class, and what to write instead.
    hints : mapping of str to str
        Keys that users may look for in this table, and what to do instead; for required keys, how to add
        them.
    shorthands : mapping of str to str
        Keys of a file that are replaced by others when it is read, and their expected values.

    Raises
    ------
    StudyError
        With all problems, in the words used for a study file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    synonyms: ClassVar[Mapping[str, str]] = {}
    hints: ClassVar[Mapping[str, str]] = {}
    shorthands: ClassVar[Mapping[str, str]] = {}

    def __init__(self, /, **content: Any) -> None:
        try:
            super().__init__(**content)
        except ValidationError as error:
            raise StudyError(_explain[0](error, type(self)), type(self).__name__) from None

    # so that tables inside a table are validated with it, not by calls of this method
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Expect:
    """Annotation that describes the expected value: `text` is the message for any invalid value.

    It replaces pydantic's separate errors for each member of a union. Errors in the items of a list or table
    keep their own place and text.
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
            raise PydanticCustomError(REFUSED, "{expected}", {"expected": self.text}) from None


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
            expected = "one of " + ", ".join(cls.registry)
            raise PydanticCustomError(REFUSED, "{expected}", {"expected": expected})
        return handler(value)


@dataclass(frozen=True)
class Fault:
    """A problem that depends on several fields.

    Parameters
    ----------
    where : tuple of str and int
        Path from the section that is checked.
    value : object
        The value that was found.
    expected, fix : str
        What is expected, and how to fix it.
    """

    where: tuple[str | int, ...]
    value: Any
    expected: str
    fix: str = ""

    def details(self) -> InitErrorDetails:
        """Return the problem in pydantic's form."""
        context = {"expected": self.expected, "fix": self.fix}
        kind = PydanticCustomError(REFUSED, "{expected}", context)
        return InitErrorDetails(type=kind, loc=self.where, input=self.value)


def refuse(faults: Iterable[Fault]) -> None:
    """Raise pydantic's ValidationError with all `faults`; do nothing if there are none."""
    details = [fault.details() for fault in faults]
    if details:
        _raise(details)


def _raise(details: list[InitErrorDetails]) -> NoReturn:
    raise ValidationError.from_exception_data("study", details)


def _whole(value: Any) -> Any:
    """Accept 1e5 for 100000, since TOML has no exponents for integers."""
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
