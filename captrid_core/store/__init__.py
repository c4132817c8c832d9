"""What is kept: the database file, its schema, and the vault of encrypted secrets."""
