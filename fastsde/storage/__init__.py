"""The files of a run: their layout, how they are written, checked, joined and read."""
