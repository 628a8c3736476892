"""The protocol's messages and calls, written by tools/generate_stubs.py."""
