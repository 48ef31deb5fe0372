"""What comes next?

The baseline repeats the last week. AutoETS and AutoTheta are used if the extra `forecast` is installed and they did
better in a backtest. Intervals: split conformal prediction (Lei et al. 2018).
"""
