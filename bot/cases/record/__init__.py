"""The record of a case: who the child is, what they need, what is planned, and who has seen it."""
