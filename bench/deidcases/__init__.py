"""Clinical texts with identifiers whose places are known: templates, values, and the harmless hard cases."""
