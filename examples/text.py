"""English text that every Python carries with it: the help topics of pydoc (about half a million characters)."""

import collections
import re
from pydoc_data.topics import topics

import numpy as np


def characters():
    """The whole text, topic after topic, with white space reduced to single blanks and line ends."""
    text = "\n".join(topics[key] for key in sorted(topics)).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = re.sub(r"[^\x20-\x7e\n]", "", text)
    return re.sub(r"\n{2,}", "\n", re.sub(r" {2,}", " ", text))


def words(vocabulary_size):
    """(ids of all words in order, list of words by id). Rare words share id 0, called "?"."""
    found = re.findall(r"[a-z]+(?:'[a-z]+)?", characters().lower())
    common = collections.Counter(found).most_common(vocabulary_size - 1)
    names = ["?"] + [word for word, _ in common]
    index = {word: i for i, word in enumerate(names)}
    return np.array([index.get(word, 0) for word in found], np.int32), names
