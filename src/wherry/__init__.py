"""wherry: a container platform that speaks Docker's language."""

__version__ = "0.1.0"
