"""otter's stand-in: `build.py` makes it, `world.py` runs it, README.md says what it mirrors."""
