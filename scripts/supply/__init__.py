"""What the project is made of: lock files, advisories, licences, and the wheel with its bill of materials.

Standard library only: it runs before any environment exists. Programs that it needs come from a lock file,
too.
"""
