"""What settings are made of: frozen sections and strict numbers, and what identifies a job."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["Real", "Strict", "Whole"]


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        msg = "Input should be a number, not true or false"
        raise ValueError(msg)
    return value


def _whole(value: object) -> object:
    if isinstance(value, str | bool):
        msg = "Input should be a whole number"
        raise ValueError(msg)
    return value


Real = Annotated[float, BeforeValidator(_not_bool)]
Whole = Annotated[int, BeforeValidator(_whole)]


class Strict(BaseModel):
    """A frozen section of settings in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def identity(self) -> dict[str, object]:
        """Return the values that a result depends on, as JSON holds them.

        A value that is off (null, false, zero or empty) by default is left out: a field that is
        added later, off by default, changes the identity of no job that does not use it, while a
        default that changes from one value to another does.
        """
        found = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if isinstance(value, Strict):
                found |= {name: value.identity()} if value.identity() else {}
            elif isinstance(value, dict) and all(isinstance(v, Strict) for v in value.values()):
                found |= {name: {key: v.identity() for key, v in value.items()}} if value else {}
            elif value or value != field.default:
                found[name] = self.model_dump(mode="json", include={name})[name]
        return found
