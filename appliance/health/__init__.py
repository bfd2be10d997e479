"""The health agent: judges what it can read about the box and answers with one snapshot."""
