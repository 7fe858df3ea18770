"""Random times of a scenario: `think_s = 8`, or a table that names one distribution."""

import math
import random
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SECONDS_MAX = 3_600.0
_MANY_WAYS = "give one of constant, uniform, exponential, lognormal"

Seconds = Annotated[float, Field(ge=0, le=SECONDS_MAX)]


class Distribution(BaseModel):
    """Times in seconds; exactly one member is set. Draws are cut at SECONDS_MAX."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    constant: Seconds | None = Field(None, description="Always this long.")
    uniform: tuple[Seconds, Seconds] | None = Field(None, description="[least, most].")
    exponential: Seconds | None = Field(None, description="The mean.")
    lognormal: tuple[Seconds, Annotated[float, Field(ge=0, le=5)]] | None = Field(
        None, description="[median, sigma of the logarithm]."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or None in self._values():
            raise ValueError(_MANY_WAYS)
        if self.uniform is not None and self.uniform[0] > self.uniform[1]:
            raise ValueError("uniform: the least comes first")
        return self

    def draw(self, rng: random.Random) -> float:
        """Return a random time in seconds."""
        if self.uniform is not None:
            drawn = rng.uniform(*self.uniform)
        elif self.exponential is not None:
            drawn = rng.expovariate(1 / self.exponential) if self.exponential else 0.0
        elif self.lognormal is not None:
            median, sigma = self.lognormal
            drawn = rng.lognormvariate(math.log(median), sigma) if median else 0.0
        else:
            drawn = self.constant or 0.0
        return min(drawn, SECONDS_MAX)

    def _values(self) -> list[object]:
        return [getattr(self, name) for name in self.model_fields_set]


def _plain_number(given: Any) -> Any:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return {"constant": given}
    return given


RandomTime = Annotated[
    Distribution,
    BeforeValidator(_plain_number, json_schema_input_type=Seconds | Distribution),
]
