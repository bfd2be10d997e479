"""Reads GPUs: a child process asks the driver, its parent waits only so long. Nothing is judged or changed here."""
