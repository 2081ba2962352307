"""The words of the Open Container Initiative as values: digests, references, descriptors, manifests, mounts, specs."""
