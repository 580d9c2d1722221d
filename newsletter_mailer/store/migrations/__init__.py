"""The steps by which a database reaches the shape that the tables have now."""

HEAD = "0011"
"""The newest step, so that a database can be seen to be up to date without Alembic."""
