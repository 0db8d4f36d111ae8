"""What a snapshot can record: one module for each family of observables."""
