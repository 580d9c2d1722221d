"""What is wrong or doubtful in an issue, as findings."""
