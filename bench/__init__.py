"""fastsde compared with other libraries; run `python -m bench` from the root of the repository."""
