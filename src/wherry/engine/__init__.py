"""Container use cases: what Docker's verbs mean. Must not know HTTP, how JSON is cased, or SQL."""
