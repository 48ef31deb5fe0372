"""Does the weekday or the hour of publication matter?

Partial pooling of weekdays or hours. The largest effect is compared with shuffles of pins within the same weeks.
"""
