"""Checks of the data, a theme a module: each looks for one thing that people should know before they trust a figure."""
