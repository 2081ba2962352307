"""What the kinds of network do to the host's links and inside a sandbox.

driver   the protocol
bridge   a bridge link, and a veth from it into each sandbox
plain    host and none, which need nothing
"""
