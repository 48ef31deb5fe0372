"""What must survive: commands that break things on purpose and count what was lost and what came twice."""
