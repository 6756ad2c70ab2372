"""A record on paper: what the page says in two languages, and the same as a PDF."""
