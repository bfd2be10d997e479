"""Recognisers of identifiers, each an `EntityRecognizer` of Presidio with rules of its own."""
