"""Networks, endpoints and sandboxes: how a container reaches others and is reached. Must not know container configs.

network      what a network is, and what can be wrong with one
definition   from what is asked for to a network
catalogue    the records of all networks
endpoint     one attachment of a container to a network, as a value
ipam         subnets and addresses; addressbook: who has which
ports        Docker's port syntax
hostports, firewall, guard, publishing    the host's ports and where they lead; one nftables table
sandboxes    the network namespaces of containers
drivers      what the kinds of network do to links
networks     all of it together: the use cases
resolvconf, hostsfile    the files a container gets
"""
