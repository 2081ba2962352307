"""Calling the Engine API."""
