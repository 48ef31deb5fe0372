"""Write the texts of made-up pins, with emoji, quotes, line breaks, markup and other scripts, as in real ones."""

from __future__ import annotations

from oneup_pinterest.sandbox.seeded_random import seeded_random

_SUBJECTS = {
    "recipes": (
        "one-pan lemon chicken",
        "overnight oats",
        "grandma's plum cake",
        "crispy tofu bowl",
        "no-knead bread",
        "15-minute ramen",
        "pumpkin soup",
        "feta & spinach pie",
    ),
    "home": (
        "linen curtains",
        "a tiny hallway",
        "open kitchen shelves",
        "a reading corner",
        "warm white walls",
        "an IKEA hack for renters",
        "bathroom storage",
        "oak & cane chairs",
    ),
    "crafts": (
        "macramé plant hanger",
        "crochet granny square",
        "beginner's knot board",
        "yarn wall hanging",
        "friendship bracelets",
        "wool & wood mobile",
    ),
    "garden": (
        "shade perennials",
        "a no-dig vegetable bed",
        "lavender from cuttings",
        "balcony herbs",
        "tomatoes in pots",
        "a pond in a barrel",
    ),
    "travel": (
        "Lisbon by tram",
        "night trains of Europe",
        "a slow week in Puglia",
        "the Faroe Islands",
        "Kyoto in the rain",
        "packing for 10 days in one bag",
    ),
}

_TEMPLATES = (
    "{Subject} that works every single time",
    "{Subject}: what nobody tells you",
    "How we made {subject} (and what we'd do differently)",
    "{number} ideas for {subject}, sorted by effort ✨",
    "Save this for later 📌 {subject}",
    'The "lazy" way to {subject}',
    "{Subject}, step by step\n\n1. Read it all first\n2. Don't rush\n3. Enjoy 😊",
    "It's {subject} season 🍂🍁, and here's our favourite",
    "<b>New!</b> {Subject} & more on the blog",
    "{Subject} \N{EN DASH} before/after, cost: €{number}.50, time: 2 h",
    "{Subject} | اكتشف المزيد",
    "{subject} · רעיונות חדשים · {number}",
    "Our readers' no. {number}: {subject} ❤️\N{ZERO WIDTH JOINER}🔥",
    "{Subject}; quick, cheap, 100% doable",
    'C\'est "simple" : {subject}\r\n#pinterest #{number}ideas',
    "{Subject}",
)


def pin_text(theme: str, key: str) -> str:
    """Return the text of a pin; the same key always gives the same text."""
    rng = seeded_random(key, "text")
    subject = rng.choice(_SUBJECTS.get(theme, _SUBJECTS["home"]))
    return rng.choice(_TEMPLATES).format(
        subject=subject,
        Subject=subject[:1].upper() + subject[1:],
        number=rng.choice((3, 5, 7, 9, 12, 21)),
    )
