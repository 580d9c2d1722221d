"""The web application: signing up, preferences, leaving, and the archive."""
