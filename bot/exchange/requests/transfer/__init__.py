"""A case changes hands between deployments: offered, handed, taken once, and watched until the child has arrived."""
