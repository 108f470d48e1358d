"""The only SQL. One function for each thing that can change, inside the caller's transaction."""
