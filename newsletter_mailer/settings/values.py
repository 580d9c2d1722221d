"""The kinds of values that settings have."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]+$")]

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Days = Annotated[int, Field(ge=1, le=36_500)]


class Part(BaseModel):
    """One section of the settings: nothing in it that is not known, and nothing changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
