"""What comes next?

The baselines: the last week again, and the mean of the last four same weekdays. AutoETS and AutoTheta are used if the
extra `forecast` is installed and they did better in a backtest. Intervals: split conformal prediction (Lei et al. 2018)
for days, Student's t of past errors for weeks and for 28 days.
"""
