"""The archive: issues as pages for anybody, kept when they are sent, listed and searched."""
