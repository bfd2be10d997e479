"""Does a body begin like a recording? A cheap first look; the transcription service decodes it in its sandbox.

The gateway holds keys and the database, so it never parses media itself.
"""

_BEGINNINGS: tuple[tuple[int, bytes], ...] = (
    (0, b"RIFF"),
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"ID3"),
    (0, b"\x1aE\xdf\xa3"),  # EBML: Matroska, WebM
    (4, b"ftyp"),  # ISO base media: MP4, M4A, 3GP
)


def is_audio(head: bytes) -> bool:
    """Return whether the first bytes (16 or more) are those of an accepted container."""
    if any(head[at : at + len(mark)] == mark for at, mark in _BEGINNINGS):
        return True
    # MPEG audio frame: eleven bits of sync, a version and a layer that exist.
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08 and head[1] & 6 != 0
