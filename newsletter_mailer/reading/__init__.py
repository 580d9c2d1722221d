"""An issue's folder, and the registry of agencies, read into typed data."""
