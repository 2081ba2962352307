"""From the flags of `run` and `create` to the document of a create request."""
