"""What the clinical services share: sources, transcripts, documents and what supports each of their statements."""
