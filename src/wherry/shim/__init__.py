"""One container's processes, stdio, logs and exit code, in a small process of its own that outlives the daemon.

Knows the standard library and `linux`. Must not know the Engine API, images, or what an OCI runtime is: the daemon
sends the command lines to run.
"""
