"""Watches the GPUs of a box: readings over time, Xid events from two sources, and the journal of faults."""
