"""Data that checks go by, each with the file that says where it is from and under what licence."""
