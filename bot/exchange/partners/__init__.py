"""With whom we exchange letters, by which keys, and what was agreed."""
