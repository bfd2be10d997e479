"""Says what a file is by its first bytes, for the words of a refusal. What is let in is decided by the readers of the
three forms, which account for every byte of a file; nothing is let in for not being on this list.
"""

from __future__ import annotations

import io
import pickletools
from typing import BinaryIO

_PICKLE = "a pickle, which is a program that runs when it is read"
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", f"a ZIP archive; PyTorch's checkpoints are such, and hold {_PICKLE}"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x93NUMPY", "a NumPy array, which may hold pickled objects"),
    (b"\x89HDF", "an HDF5 file (Keras), which may hold code"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "a program (ELF)"),
    (b"#!", "a script"),
    (b"lmgg", "a model in the older form GGML"),
    (b"tjgg", "a model in the older form GGJT"),
    (b"GGUF", "a GGUF file"),
    (b"version https://git-lfs", "a pointer of git-lfs, not the file itself"),
)
# The end of a protocol 0 pickle is found only by walking it; it has no magic.
_MAX_WALKED_BYTES = 1 << 20


def kind_of(file: BinaryIO) -> str | None:
    """Return in words what the file is, None when nothing is recognised. Reads from the beginning."""
    file.seek(0)
    content = file.read(_MAX_WALKED_BYTES + 1)
    for magic, words in _KINDS:
        if content.startswith(magic):
            return words
    if content[257:262] == b"ustar":
        return "a tar archive"
    if len(content) > 1 and content[0] == 0x80 and 2 <= content[1] <= 5:
        return _PICKLE
    return _PICKLE if len(content) <= _MAX_WALKED_BYTES and is_old_pickle(content) else None


def is_old_pickle(content: bytes) -> bool:
    """Whether the whole of it is a pickle of protocol 0 or 1, which are plain text as far as one can see."""
    if not content.rstrip().endswith(b"."):
        return False
    end = 0
    try:
        for operation, _, position in pickletools.genops(io.BytesIO(content)):
            end = position or 0
            if operation.name == "STOP":
                return not content[end + 1 :].strip()
    except Exception:  # noqa: S110 - genops has no error of its own: whatever it raises, this is no pickle
        pass
    return False
