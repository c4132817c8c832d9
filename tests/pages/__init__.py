"""The dashboard's pages, one by one, without a browser."""
