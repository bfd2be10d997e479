"""The repository from its first metadata to revoked releases, by the product's own keys and read by its own client."""

from __future__ import annotations
