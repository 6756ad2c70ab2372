"""Looking after an installation: a use case for each command of `./waymark`."""
