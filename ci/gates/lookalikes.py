"""Names and text that look like others: what a reader, a file system or git takes for the same.

Folding brings a name to what it looks like: compatibility forms (full-width, ligatures, mathematical letters), case,
accents, characters that are not seen, and letters of other alphabets that are drawn as Latin ones. Two names that fold
to the same are one name to a reader, and to some file systems.
"""

from __future__ import annotations

import re
import unicodedata

# Letters drawn as Latin ones, after case folding: out of Unicode's list of confusables, those of alphabets in use.
_DRAWN_ALIKE = {
    "a": "\u0430\u0251\u03b1\u237a\u1ea1", "b": "\u042c\u044c\u0185\u0432", "c": "\u0441\u03f2\u1d04\u217d",
    "d": "\u0501\ua4d2", "e": "\u0435\u0454\u04bd\u212e\u03b5", "f": "\u0192\ua799\u03dd", "g": "\u0261\u0581\u018d",
    "h": "\u04bb\u0570\u043d\u13c2", "i": "\u0456\u0131\u0269\u03b9\u2170\u04cf", "j": "\u0458\u03f3",
    "k": "\u043a\u03ba\u0138", "l": "\u217c", "m": "\u043c\u217f", "n": "\u043f\u0578\u057c\u03b7",
    "o": "\u043e\u03bf\u03c3\u0585\u0966\u0e50\u0be6", "p": "\u0440\u03c1", "q": "\u051b\u0566",
    "r": "\u0433\u1d26\u2c85", "s": "\u0455\ua731", "t": "\u0442\u03c4", "u": "\u03c5\u057d\u0446\u028b\u1d1c",
    "v": "\u0475\u03bd\u2174\u1d20", "w": "\u051d\u0561\u0461\u03c9", "x": "\u0445\u03c7\u2179\u00d7",
    "y": "\u0443\u04af\u03b3\u028f", "z": "\u1d22", ".": "\u2024\u2027\u00b7\u3002\uff0e",
    "/": "\u2215\u2044\u2571\u29f8", "-": "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "_": "\uff3f\u02cd",
}  # fmt: skip
_TABLE = str.maketrans({strange: plain for plain, strangers in _DRAWN_ALIKE.items() for strange in strangers})

# Not seen, or turning the order of what is seen round. The joiners of emoji and of some scripts are looked at apart.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
    "|(?:^|(?<=[\x00-\x7f]))[\u200c\u200d]|[\u200c\u200d](?=[\x00-\x7f]|$)"
)
_MARKS = re.compile("[\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u00ad]")
_WORD = re.compile(r"[^\W\d_]+")


def folded(name: str) -> str:
    """Return what a name looks like, as small Latin letters where it can."""
    text = unicodedata.normalize("NFKD", name).casefold()
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text).translate(_TABLE))
    return "".join(each for each in text if unicodedata.category(each) not in {"Cf", "Mn", "Cc"})


def mixed(text: str) -> tuple[str, ...]:
    """Return the words that have Latin letters and others drawn alike, or letters that only a disguise needs."""
    if text.isascii():
        return ()
    words = _WORD.findall(unicodedata.normalize("NFC", text))
    return tuple(word for word in words if not word.isascii() and _disguised(word))


def _disguised(word: str) -> bool:
    if any(each in _COMPATIBLE for each in word):
        return True
    return any(each.isascii() for each in word) and any(_drawn_alike(each) for each in word if not each.isascii())


def _drawn_alike(letter: str) -> bool:
    """Whether a letter of another alphabet looks like a Latin one; one with an accent is Latin itself."""
    looks = folded(letter)
    return bool(looks) and looks.isascii() and not unicodedata.name(letter, "").startswith("LATIN")


# Full-width and mathematical letters, which nothing but a disguise needs in a name.
_COMPATIBLE = frozenset(
    chr(point)
    for first, last in ((0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x1D400, 0x1D7FF), (0x24B6, 0x24E9))
    for point in range(first, last + 1)
)
