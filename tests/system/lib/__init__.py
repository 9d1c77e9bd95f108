"""Helpers of the system tests: they drive the real server, from outside."""
