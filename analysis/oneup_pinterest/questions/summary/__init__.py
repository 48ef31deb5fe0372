"""How did the account do in the last weeks?

Counts of the last 28 settled days and of the 28 before (fewer where the history is younger), with the verdicts of
`change`; OneUp's own totals where gains cannot be compared yet.
"""
