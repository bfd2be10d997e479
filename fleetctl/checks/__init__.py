"""Checks: read-only judgements of facts. Each asserts the truth that its name says, and compares nothing else."""
