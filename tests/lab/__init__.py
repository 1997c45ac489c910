"""The test lab: what the tests need, installed from package registries, and real services.

Everything here uses the standard library only: it runs before the virtual environment exists.
Nothing here may be imported by the product.
"""
