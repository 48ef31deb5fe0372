"""Report the lines of an input that could not be loaded, by file and reason."""

from collections import defaultdict

from oneup_pinterest.formatting import truncate
from oneup_pinterest.sync.events import Location

MAX_NUMBERS = 5  # of lines in a sentence
MAX_SENTENCES = 20


class RejectedLines:
    """Lines or rows that could not be loaded."""

    def __init__(self) -> None:
        self.count = 0
        self._first_numbers: dict[tuple[str, str], list[int]] = {}  # file and reason → lines
        self._counts: dict[tuple[str, str], int] = defaultdict(int)
        self._unreported = 0

    def add(self, location: Location, reason: str) -> None:
        """Add a line or row, and why it was rejected."""
        self.count += 1
        name, number = location
        key = name, reason
        if key not in self._first_numbers and len(self._first_numbers) >= MAX_SENTENCES:
            self._unreported += 1
            return
        self._counts[key] += 1
        numbers = self._first_numbers.setdefault(key, [])
        if len(numbers) < MAX_NUMBERS:
            numbers.append(number)

    def sentences(self) -> list[str]:
        """Return one sentence per file and reason.

        >>> rejected = RejectedLines()
        >>> for line in (3, 8):
        ...     rejected.add(("day.jsonl", line), "not valid JSON")
        >>> rejected.sentences()
        ['day.jsonl: lines 3 and 8 were not loaded (not valid JSON).']
        """
        sentences = [
            f"{name}: {_lines(numbers, self._counts[name, reason])} not loaded ({reason})."
            for (name, reason), numbers in self._first_numbers.items()
        ]
        if self._unreported:
            sentences.append(f"{self._unreported:,} more lines were not loaded for other reasons.")
        return sentences


def _lines(numbers: list[int], count: int) -> str:
    if count == 1:
        return f"line {numbers[0]} was"
    more = count - len(numbers)
    *first, last = [str(number) for number in numbers] + ([f"{more:,} more"] if more else [])
    return f"lines {', '.join(first)} and {last} were"


def quoted_name(name: object) -> str:
    """Return a name from outside for a message: short, without control characters, in backticks.

    >>> quoted_name("boards")
    '`boards`'
    """
    return f"`{truncate(str(name), 60)}`"
