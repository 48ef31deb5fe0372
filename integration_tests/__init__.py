"""Tests against real servers, processes, files and browsers, and the commands that make docs and pictures."""
