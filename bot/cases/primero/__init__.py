"""Cases handed to and from agencies that work with Primero: JSON files, by a map of fields that each can adapt."""
