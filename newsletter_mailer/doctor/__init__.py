"""Whether everything that a campaign leans on is well: machine, domain, mails, transport."""
