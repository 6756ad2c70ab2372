"""The directory, its rules alone."""
