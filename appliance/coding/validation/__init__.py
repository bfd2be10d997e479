"""Validation against coders: a practice's own coded records against what is suggested for them."""
