"""Verifies the audit log and leaves the result where the health agent reads it. Run by appliance-audit-check.timer."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from appliance.audit.errors import LogDamagedError
from appliance.audit.shown import recorded_key
from appliance.audit.verify import verify
from appliance.contract.audit_check import PATH, AuditCheck
from appliance.ctl.audit import DIRECTORY
from appliance.errors import ApplianceError


def check(directory: Path) -> AuditCheck:
    """Verify with the key beside the log: whether the disk holds what was written. Others hold the pinned key."""
    try:
        found = verify(directory, recorded_key(directory))
    except LogDamagedError as error:
        return AuditCheck(at=datetime.now(UTC), verified=False, reason=str(error)[:500])
    except ApplianceError as error:
        return AuditCheck(at=datetime.now(UTC), verified=None, reason=str(error)[:500])
    return AuditCheck(at=datetime.now(UTC), verified=True, size=found.newest.size)


def main(path: Path = PATH, directory: Path = DIRECTORY) -> int:
    """Check once. That it does not verify is the result, and no failure of this program."""
    result = check(directory)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(result.model_dump_json())
    temporary.chmod(0o644)
    temporary.replace(path)
    print(f"audit log: {'verified' if result.verified else result.reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
