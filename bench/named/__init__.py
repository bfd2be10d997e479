"""Training of the second opinion on names that are words: texts, people put into them, words, weights."""
