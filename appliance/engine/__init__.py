"""The drafting engine: llama.cpp or vLLM on the sealed weights, behind an OpenAI-compatible unix socket."""
