"""RESOLVE: what this container was given. Pure: every value with its origin."""
