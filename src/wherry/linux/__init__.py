"""The kernel, by its own names. Standard library only; no asyncio, no policy."""
