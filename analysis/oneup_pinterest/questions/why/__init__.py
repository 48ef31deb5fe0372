"""Why did gains change?

An exact split into pins published, what new pins gain, and older pins (Kitagawa 1955); no test is needed.
"""
