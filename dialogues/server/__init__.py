"""Plays any Rasa 3.1 project behind Rasa's own REST channel, with its own training data and actions."""
