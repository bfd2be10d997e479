"""Consent before capture: the law that applies, the events that were recorded, and what follows from them."""
