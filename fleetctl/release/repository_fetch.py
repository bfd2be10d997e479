"""Reads files of the repository for python-tuf: regular files below one folder, a part at a time, never a network."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

_PART_BYTES = 64 << 10


class FolderFetcher(FetcherInterface):
    """`file:` URLs below `folder`. What is longer than allowed is given up by python-tuf while it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def _fetch(self, url: str) -> Iterator[bytes]:
        parts = urlsplit(url)
        if parts.scheme != "file" or parts.netloc:
            raise DownloadError(f"not a file: {url[:200]}")
        # Opened here and not in the generator: a missing file has to be told before the first part is asked for.
        return _parts(open_inside(self._folder, Path(unquote(parts.path))))


def open_inside(folder: Path, path: Path) -> IO[bytes]:
    """Open a regular file of `folder`. Raises DownloadHTTPError 404 when there is none, DownloadError for the rest.

    A link that leads out is refused, and a pipe: it could make a reader wait for ever.
    """
    resolved = path.resolve()
    if not resolved.is_relative_to(folder.resolve()):
        raise DownloadError(f"{path.name} leads out of the repository")
    try:
        descriptor = os.open(resolved, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise DownloadHTTPError(f"there is no {path.name}", 404) from None
    except OSError as error:
        raise DownloadError(f"{path.name} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DownloadError(f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb")


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(_PART_BYTES):
            yield part
