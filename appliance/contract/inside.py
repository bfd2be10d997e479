"""Opens a file of a folder that somebody else wrote (a repository, a medium): a plain file in it, and nothing else.

Both programs read the fleet's repository, and neither may be led out of it, or made to wait, by what lies there.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class OutsideError(Exception):
    """It is no plain file of the folder, or cannot be read; the message says which. A missing file is none of these."""


def open_inside(folder: Path, path: Path) -> BinaryIO:
    """Open a plain file below `folder`. Raises FileNotFoundError when there is none, OutsideError for the rest.

    A link that leads out is refused; a pipe or a device is not waited for.
    """
    resolved = path.resolve()
    if not resolved.is_relative_to(folder.resolve()):
        raise OutsideError(f"{path.name} leads out of the repository")
    try:
        descriptor = os.open(resolved, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutsideError(f"{path.name} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OutsideError(f"{path.name} is no plain file")
    return os.fdopen(descriptor, "rb", buffering=0)
