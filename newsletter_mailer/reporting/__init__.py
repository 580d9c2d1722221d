"""Reports: what a campaign reached, in figures that single nobody out."""
