"""Does the weekday or the hour of publication matter?

Differences of logs between pins of the same weeks, where pins of one day and week share their luck (restricted
likelihood, Patterson and Thompson 1971), with partial pooling (Gelman et al.). The largest is compared with shuffles
(Westfall and Young 1993); a planned weekday is tested alone.
"""
