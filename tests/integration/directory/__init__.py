"""The directory over real databases."""
