"""Tries to get out: from the host, and from inside each service's own sandbox."""
