"""Recognisers of identifiers, each an `EntityRecognizer` of Presidio; every one looks at the text by rules of its own."""
