"""The density of a model on a landscape of one or two dimensions, from its Fokker-Planck equation."""
