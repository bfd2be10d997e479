"""Capacity and cost planning: pure arithmetic and simulation over figures that each carry their source."""
