"""Previewing: editors see an issue as every reader will, while they write it."""
