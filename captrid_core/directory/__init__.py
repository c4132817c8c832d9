"""Directories: the port that the rest of the core speaks to, and Microsoft Entra ID behind it."""
