"""Stand-ins for hosts and writers, for tests that need no machine."""
