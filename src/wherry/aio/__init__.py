"""Idioms of concurrency that the rest is written with. Must not know containers."""
