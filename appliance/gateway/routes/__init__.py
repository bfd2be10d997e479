"""One module a resource: take the request apart, decide, act, log, answer."""
