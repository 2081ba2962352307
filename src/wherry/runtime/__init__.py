"""From an OCI specification to a running task through a shim. Must not know the Engine API or images."""
