"""Drafts: a new issue's files, and a Word document, web page or Markdown text as articles."""
