"""fastsde beside what its users would take instead; `python -m bench` from the root of the repository."""
