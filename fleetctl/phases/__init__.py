"""Phases: the steps that operations are lists of. One phase a file."""
