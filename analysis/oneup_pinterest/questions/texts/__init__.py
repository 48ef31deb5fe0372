"""Which texts go with success?

Differences of logs between pins of the same weeks, where pins of one day and week share their luck (restricted
likelihood, Patterson and Thompson 1971). Features: false discovery control. Words: the largest of all is compared with
shuffles (Westfall and Young 1993); a planned word is tested alone.
"""
