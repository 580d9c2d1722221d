"""Pixels, clicks, what providers and mail servers report, and what to think of each."""
