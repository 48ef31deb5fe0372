"""Does the weekday or the hour of publication matter?

Partial pooling of weekdays or hours (Gelman et al.). The largest effect is compared with shuffles of days within the
same weeks (Westfall and Young 1993).
"""
