"""The objectives that fastsde knows, one per file."""
