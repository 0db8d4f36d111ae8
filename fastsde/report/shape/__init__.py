"""Shape of the laws."""
