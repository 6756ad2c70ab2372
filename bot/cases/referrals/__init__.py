"""Referrals: from a case to whoever can help, until the child has said how it was."""
