"""The base of every typed record."""

from pydantic import BaseModel, ConfigDict, ValidationError


class Record(BaseModel):
    """A record that flows through a topic; immutable, its fields are those of its Avro schema."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, in one line that holds no value: a secret may be among them.

    >>> try:
    ...     Record.model_validate({"key": "hunter2"})
    ... except ValidationError as error:
    ...     first_fault(error)
    'key: Extra inputs are not permitted'
    """
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    why = first["msg"].removeprefix("Value error, ")
    return f"{where}: {why}" if where else why
