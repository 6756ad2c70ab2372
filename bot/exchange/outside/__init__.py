"""Partners without Waymark: told by e-mail that a request waits, they read and answer it behind a link."""
