"""File system trees by chain ID, as mounts; layers in and out of them. Must not know images, containers or networks."""
