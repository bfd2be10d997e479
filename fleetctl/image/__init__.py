"""Builds the signed OS image and the signed model images."""
