"""What never belongs in an issue: numbers and dates of people, markings, traces in pictures."""
