"""De-identification: find the identifiers of a text, put surrogates in their place, and bring them back exactly."""
