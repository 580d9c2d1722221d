"""Subscribers: who gets the newsletter."""
