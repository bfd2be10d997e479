"""Makes our module_utils importable as Ansible makes them importable on the box."""

from __future__ import annotations

import sys
from pathlib import Path

import ansible.module_utils

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"

ansible.module_utils.__path__.append(str(PLAYBOOKS / "module_utils"))
sys.path.append(str(PLAYBOOKS / "library"))
