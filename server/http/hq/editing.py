"""What routes that edit share: drafts, and parts of them, become columns; versions become ETags."""

from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import BaseModel, Field, StringConstraints, create_model, model_validator
from starlette.responses import Response

from server.http.bodies import Body

WORDS_MAX = 100

NewId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$|^$")]
Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=WORDS_MAX, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]

Draft = TypeVar("Draft", bound=Body)


class Words(Body):
    """The same words in both languages."""

    zh: Line
    en: Line


OptionalLine = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=WORDS_MAX, pattern=r"^[^\x00-\x1f\x7f]*$"),
]


class OptionalWords(Body):
    """The same words in both languages, or nothing."""

    zh: OptionalLine = ""
    en: OptionalLine = ""


class _Changes(Body):
    """Some members of a draft; none of them is null."""

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {name: ... if value is None else value for name, value in given.items()}
        return given


def changes_of(draft: type[Draft]) -> type[BaseModel]:
    """Return the model of an edit: any members of a draft but its id."""
    members: dict[str, Any] = {
        name: (
            field.annotation
            if not field.metadata
            else Annotated[field.annotation, *field.metadata],
            None,
        )
        for name, field in draft.model_fields.items()
        if name != "id"
    }
    return create_model(f"{draft.__name__}Changes", __base__=_Changes, **members)


def columns(body: BaseModel, *, whole: bool = False) -> dict[str, object]:
    """Return what was sent as columns: words in both languages become two of them.

    A `whole` draft has its defaults, too.
    """
    found: dict[str, object] = {}
    for name in (set(type(body).model_fields) if whole else body.model_fields_set) - {"id"}:
        value = getattr(body, name)
        if isinstance(value, Words | OptionalWords):
            found |= {f"{name}_zh": value.zh, f"{name}_en": value.en}
        else:
            found[name] = value
    return found


def versioned(row: Any, status: int = 200) -> Response:
    """Answer with something that has a version, which is its ETag."""
    return Response(
        msgspec.json.encode(row),
        status,
        headers={"ETag": f'"{row.version}"'},
        media_type="application/json",
    )
