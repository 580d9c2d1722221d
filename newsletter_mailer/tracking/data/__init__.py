"""Dated data: mail programs, proxies and scanners by their user agents and networks."""
