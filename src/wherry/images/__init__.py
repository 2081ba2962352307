"""Images: names, the documents and layers they stand for, and how they come in and go out. Must not know containers."""
