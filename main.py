"""Runs the connector by hand: python main.py spec | check | discover | read."""

from source_oneup_pinterest.run import run

if __name__ == "__main__":
    run()
