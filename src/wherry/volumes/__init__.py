"""Named volumes: directories with a life of their own. Must not know containers, only the ids of who uses a volume."""
