"""First passages and escapes with censoring: survival, hazards, and what makes them faster."""
