"""Reads files of the repository for python-tuf: regular files below one folder, bounded, never a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

from appliance.contract import inside


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


def open_inside(folder: Path, path: Path) -> BinaryIO:
    """`appliance.contract.inside.open_inside` in the words of python-tuf: DownloadHTTPError 404 when there is none,
    which ends a search for newer roots; DownloadError for the rest."""
    try:
        return inside.open_inside(folder, path)
    except FileNotFoundError:
        raise DownloadHTTPError(f"there is no {path.name}", 404) from None
    except inside.OutsideError as error:
        raise DownloadError(str(error)) from None
