"""Sending by many workers on one PostgreSQL database."""
