"""A run as a whole: its parts, its processes, its schedulers, its forecast and its state."""
