"""The common ground of every configuration section."""

from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

NOT_YET_ACTING: Final[JsonDict] = {"acting": False}
"""``Field(json_schema_extra=NOT_YET_ACTING)`` marks a key that is validated but has no effect yet.

The marker covers the keys below. ``config check`` lists the marked keys; whoever makes a key act removes its marker.
"""


class Section(BaseModel):
    """Frozen, and unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True, allow_inf_nan=False
    )
