"""What did each day gain, and how do accounts compare?

Differences of snapshots above the running maximum of each counter. Accounts are compared with the test of
`change`, and false discoveries are controlled over accounts and metrics (Benjamini and Hochberg 1995).
"""
