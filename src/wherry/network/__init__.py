"""Networks, endpoints and sandboxes: how a container reaches others and is reached. Must not know container configs.

    network      what a network is, and what can be wrong with one
    endpoint     one attachment of a container to a network, as a value
    ipam         subnets and addresses
    ports        Docker's port syntax, and the host's ports held for us
    firewall     one nftables table
    bridge       the driver: a bridge link, veths into sandboxes
    networks     all networks, and the use cases
    resolvconf, hostsfile    the files a container gets
"""
