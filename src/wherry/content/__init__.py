"""Bytes by digest: blobs, unfinished downloads, leases and collection. Must not know manifests, tags or layers."""
