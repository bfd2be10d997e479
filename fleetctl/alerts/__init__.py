"""Alerts: findings that last become alerts, and whoever has to know is told once."""
