"""How two countries answer each other: what is waited for, how long, and by which law."""
