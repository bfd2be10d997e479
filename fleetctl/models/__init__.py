"""Typed views of the YAML that people write: fleet, site, hardware profile."""
