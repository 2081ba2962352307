"""The Engine API edge: decode a request, make one call into the engine, encode the answer. Must not know stores."""
