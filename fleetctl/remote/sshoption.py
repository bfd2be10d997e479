"""How a path is written as the value of an option of OpenSSH."""

from __future__ import annotations

from pathlib import Path


def path_value(path: Path) -> str:
    """The path for ssh_config: unquoted, a space would end it and begin a second file; %h would be the host's name."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
