"""Plans of travel."""

from __future__ import annotations

from paglets_nb.core.itinerary import (
    ItineraryAgentMixin,
    ItineraryPlan,
    ItineraryState,
    ItineraryTask,
    TaskItineraryPlan,
    TaskItineraryState,
)

__all__ = [
    "ItineraryAgentMixin",
    "ItineraryPlan",
    "ItineraryState",
    "ItineraryTask",
    "TaskItineraryPlan",
    "TaskItineraryState",
]
