"""The date of service of what is coded over the API: one on which somebody can have been served."""

from datetime import date
from typing import Annotated

from pydantic import Field

from appliance.coding.service_day import WANTED, can_be_served
from appliance.problems import ProblemError

ServiceDay = Annotated[date, Field(description=f"{WANTED[0].upper()}{WANTED[1:]} (422, `date-of-service`).")]


def require_service_day(day: date) -> None:
    """Raise ProblemError 422 for a day that cannot be a date of service. Its words do not repeat the day."""
    if not can_be_served(day):
        raise ProblemError(
            422, "date-of-service", "This cannot be a date of service", f"wanted {WANTED}", parameter="date_of_service"
        )
