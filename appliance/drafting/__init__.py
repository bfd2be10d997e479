"""From sources to a draft: document kinds, prompts, chunks, the engine's client, and what a model's answer may be."""
