"""Which days stand out, and did the level shift?

Rolling median and MAD by weekday. Level shifts: PELT with a calibrated penalty (Killick et al. 2012).
"""
