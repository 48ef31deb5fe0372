"""Run `python -m oneup_pinterest.cli` like `oneup-pinterest`."""

from oneup_pinterest.cli import main

if __name__ == "__main__":
    main()
