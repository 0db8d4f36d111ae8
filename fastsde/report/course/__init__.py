"""The course of training: loss, modes, distances over time and learning times."""
