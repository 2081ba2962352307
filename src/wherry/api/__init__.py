"""The Engine API as values: wire types and operations, generated from Docker's description. No I/O, no meaning."""
