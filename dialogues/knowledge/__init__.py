"""Procedures as reviewed text files: loading, searching and checking them."""
