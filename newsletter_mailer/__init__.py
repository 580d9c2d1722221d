"""Compile a newsletter for each reader's agency, and send it with proof of who got it."""

__version__ = "0.1.0"
