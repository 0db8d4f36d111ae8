"""The effect: how far each model is from the reference in natural units."""
