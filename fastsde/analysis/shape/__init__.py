"""The shape of laws: moments, L-moments, quantiles, with bootstrap errors, where they exist."""
