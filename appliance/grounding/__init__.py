"""Grounding: each statement of a draft held against its sources, by rules and tables and without a model."""

from appliance.grounding.grounder import Grounder
from appliance.grounding.tables import TABLES

__all__ = ["TABLES", "Grounder"]
