"""Candidates for codes and their order: a lexicon of terms, learned associations, trees, calibration."""
