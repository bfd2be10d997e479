"""Speech to text behind an OpenAI-compatible API on a unix socket. It has no network and keeps no recording."""
