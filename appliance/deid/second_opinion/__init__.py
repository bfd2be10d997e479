"""A learned second opinion: whether a word of English is somebody's name where it stands."""
