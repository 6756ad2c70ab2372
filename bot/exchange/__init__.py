"""What countries tell one another to protect a child: partners, envelopes, the post, and what is asked by it."""
