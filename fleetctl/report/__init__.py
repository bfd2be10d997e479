"""Tables, JSON and progress; no decisions."""
