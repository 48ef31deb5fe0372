"""Commands that damage syncs on purpose, and count the rows that were lost or duplicated."""
