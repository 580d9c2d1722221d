"""Links: where they stand in an issue, whether they are written well, and where they lead."""
