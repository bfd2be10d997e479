"""Facts of the running box: each is a source and a pure parser. Standard library only, since root reads them often."""
