"""Word lists of de-identification: names, places, and the clinical words that only look like names."""

from appliance.deid.lexicon.words import Words, around, words

__all__ = ["Words", "around", "words"]
