"""Network links, addresses and routes through rtnetlink(7).

    codec    messages and attributes as bytes
    route    one socket in one network namespace, and what can be asked of it
"""
