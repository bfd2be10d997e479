"""Coding: dated code tables, suggestions with their evidence, edits by date of service, E/M support, validation."""
