"""The roads to a host: SSH for reading and for changes, HTTPS for health."""
