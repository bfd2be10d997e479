"""Code tables as dated packs: one read-only file each, known by its digest."""
