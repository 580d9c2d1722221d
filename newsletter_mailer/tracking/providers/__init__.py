"""The providers whose events are taken in: one file each."""
