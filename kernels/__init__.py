"""Compiled code: numbers in, numbers out; no files, no configuration, no objects."""
