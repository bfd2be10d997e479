"""Operations: each an ordered list of phases, or of checks, readable from top to bottom."""
