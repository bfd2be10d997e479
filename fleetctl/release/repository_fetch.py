"""Reads files of the repository for python-tuf: regular files below one folder, bounded, never a network."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface


class FolderFetcher(FetcherInterface):
    """`file:` URLs below `folder`, at most `limit` bytes of each: python-tuf compares with the limit of the role."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder.resolve()
        self._limit = limit

    def _fetch(self, url: str) -> Iterator[bytes]:
        parts = urlsplit(url)
        if parts.scheme != "file" or parts.netloc:
            raise DownloadError(f"not a file: {url[:200]}")
        # Read here and not in a generator: a missing file has to be told before the first part is asked for, and
        # a generator that is given up leaves its file open.
        with open_inside(self._folder, Path(unquote(parts.path))) as file:
            content = file.read(self._limit + 1)
        return iter((content,))


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
