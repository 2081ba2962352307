"""The daemon: configuration and wiring. The only place that sees everything."""
