"""The policy of live previews: which words are stable, and where the window that is heard again and again is cut.

Local agreement: a word is stable when two successive hearings of the window begin with the same words up to it. What is
stable is never taken back. The window is cut behind stable words, at a pause where there is one, so that one hearing
never costs more than MAX_WINDOW_S of audio however long the visit is. Pure: it knows no model and no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.clinical.transcript import Word

# Whisper's window is 30 s. A window this long is cut at the next chance, and at MAX_WINDOW_S in any case.
CUT_FROM_S = 12.0
MAX_WINDOW_S = 26.0
_PAUSE_S = 0.3
_ENDS = (".", "?", "!")
# The last word before the end of the window may be cut in two.
_EDGE_S = 0.3


def same(one: Word, other: Word) -> bool:
    """Return whether two hearings heard one word: punctuation and case come and go with what follows."""

    def plain(text: str) -> str:
        return "".join(character for character in text.lower() if character.isalnum())

    return plain(one.text) == plain(other.text)


@dataclass
class Preview:
    """The state of one stream's preview. Times are seconds of the stream."""

    start_s: float = 0.0
    stable_until_s: float = 0.0
    _before: tuple[Word, ...] = ()
    _said: list[Word] = field(default_factory=list)

    def take(self, heard: Sequence[Word], end_s: float, *, behind: bool) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
        """Take one hearing of [start_s, end_s); return the words that became stable and the tentative ones.

        `behind`: more audio than a window is waiting. There is no time for a second hearing then: all is stable, and
        the preview goes on with the next window. The words of the final transcript are not affected.
        """
        fresh = [word for word in heard if (word.start_s + word.end_s) / 2 > self.stable_until_s]
        if behind or end_s - self.start_s >= MAX_WINDOW_S:
            safe = [word for word in fresh if word.end_s <= end_s - _EDGE_S]
            if safe:
                self._settle(safe)
                self._cut(self.stable_until_s)
            else:
                self._cut(end_s)
            return tuple(safe), tuple(fresh[len(safe) :])
        agreed = 0
        for one, other in zip(fresh, self._before, strict=False):
            if not same(one, other) or one.end_s > end_s - _EDGE_S:
                break
            agreed += 1
        stable, tentative = fresh[:agreed], fresh[agreed:]
        self._settle(stable)
        self._before = tuple(tentative)
        if end_s - self.start_s >= CUT_FROM_S:
            self._cut(self._boundary(tentative))
        if not fresh and end_s - self.start_s >= CUT_FROM_S:
            # Nobody speaks: the silence need not be heard again, but for the beginning of a word.
            self._cut(end_s - 1.0)
        return tuple(stable), tuple(tentative)

    def _settle(self, words: Sequence[Word]) -> None:
        self._said += words
        if words:
            self.stable_until_s = max(self.stable_until_s, words[-1].end_s)

    def _boundary(self, tentative: Sequence[Word]) -> float:
        """Return the latest end of a sentence or pause among the stable words of the window."""
        line = [*self._said, *tentative[:1]]
        best = self.start_s
        for word, following in zip(self._said, line[1:], strict=False):
            if word.text.endswith(_ENDS) or following.start_s - word.end_s >= _PAUSE_S:
                best = max(best, word.end_s)
        return best

    def _cut(self, at_s: float) -> None:
        if at_s > self.start_s:
            self.start_s = at_s
            # What lies before the window is never looked at again.
            self._said = [word for word in self._said if word.end_s > at_s]
            self.stable_until_s = max(self.stable_until_s, at_s) if not self._said else self.stable_until_s
