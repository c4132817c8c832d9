"""Master Lists: their schema, their people, and files in and out."""
