"""Talking to the kernel's network through netlink(7).

codec           messages and attributes as bytes
channel         a socket: requests, batches, dumps
route           links, addresses and routes: rtnetlink(7)
conntrack       forgetting flows
filter_notices  hearing of changes in an nftables table
"""
