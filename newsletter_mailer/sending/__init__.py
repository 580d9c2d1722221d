"""A campaign: an issue frozen for sending, its deliveries, and the transports."""
