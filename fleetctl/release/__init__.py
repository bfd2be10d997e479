"""Releases at the operator: made, signed into channels, carried."""
