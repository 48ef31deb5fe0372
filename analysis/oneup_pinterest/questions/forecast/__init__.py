"""What comes next?

Repeat the last week. AutoETS and AutoTheta are used if the extra `forecast` is installed and they did better on past
days.
"""
