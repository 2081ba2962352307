"""wherry: a container platform that speaks Docker's language."""
