"""The dashboard's pages: each draws and calls a service; rules, SQL and requests are in the core."""
