"""The dashboard as people use it: a server of its own, and a browser."""
