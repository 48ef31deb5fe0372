"""What of an input was refused, for people: by file and reason, with the first lines of each."""

from collections import defaultdict

from oneup_pinterest.formatting import truncate
from oneup_pinterest.sync.events import Place

MAX_NUMBERS = 5  # in a sentence
MAX_SENTENCES = 20


class Refused:
    """Lines or rows that could not be loaded."""

    def __init__(self) -> None:
        self.count = 0
        self._found: dict[tuple[str, str], list[int]] = {}  # the first numbers
        self._counts: dict[tuple[str, str], int] = defaultdict(int)
        self._unnamed = 0

    def add(self, place: Place, why: str) -> None:
        """Note a line or row, and why it was refused."""
        self.count += 1
        name, number = place
        reason = name, why
        if reason not in self._found and len(self._found) >= MAX_SENTENCES:
            self._unnamed += 1
            return
        self._counts[reason] += 1
        numbers = self._found.setdefault(reason, [])
        if len(numbers) < MAX_NUMBERS:
            numbers.append(number)

    def sentences(self) -> list[str]:
        """Say what was refused; one sentence per file and reason.

        >>> refused = Refused()
        >>> for line in (3, 8):
        ...     refused.add(("day.jsonl", line), "no JSON")
        >>> refused.sentences()
        ['day.jsonl, lines 3 and 8: no JSON; refused.']
        """
        said = [
            f"{name}, {_lines(numbers, self._counts[name, why])}: {why}; refused."
            for (name, why), numbers in self._found.items()
        ]
        return [*said, f"{self._unnamed:,} more lines were refused for other reasons."] if self._unnamed else said


def _lines(numbers: list[int], count: int) -> str:
    if count == 1:
        return f"line {numbers[0]}"
    more = count - len(numbers)
    *first, last = [str(number) for number in numbers] + ([f"{more:,} more"] if more else [])
    return f"lines {', '.join(first)} and {last}"


def quoted_name(name: object) -> str:
    """A name from outside, short and harmless.

    >>> quoted_name("boards")
    '`boards`'
    """
    return f"`{truncate(str(name), 60)}`"
