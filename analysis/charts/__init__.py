"""Altair charts: each function takes the frame of a statistic and returns one chart that can be read by its words."""
