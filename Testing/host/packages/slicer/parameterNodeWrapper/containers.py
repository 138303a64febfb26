"""Lists and dictionaries that write themselves back when they are changed."""

from collections.abc import MutableMapping, MutableSequence


class ObservedList(MutableSequence):
    def __init__(self, values, changed):
        self._values, self._changed = list(values), changed

    def __len__(self):
        return len(self._values)

    def __getitem__(self, index):
        return self._values[index]

    def __setitem__(self, index, value):
        self._values[index] = value
        self._changed(self._values)

    def __delitem__(self, index):
        del self._values[index]
        self._changed(self._values)

    def insert(self, index, value):
        self._values.insert(index, value)
        self._changed(self._values)

    def __eq__(self, other):
        return self._values == list(other) if isinstance(other, (list, ObservedList)) else NotImplemented

    __hash__ = None

    def __repr__(self):
        return f"ObservedList({self._values})"


class ObservedDict(MutableMapping):
    def __init__(self, values, changed):
        self._values, self._changed = dict(values), changed

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return iter(self._values)

    def __getitem__(self, key):
        return self._values[key]

    def __setitem__(self, key, value):
        self._values[key] = value
        self._changed(self._values)

    def __delitem__(self, key):
        del self._values[key]
        self._changed(self._values)

    def __eq__(self, other):
        return self._values == dict(other) if isinstance(other, (dict, ObservedDict)) else NotImplemented

    __hash__ = None

    def __repr__(self):
        return f"ObservedDict({self._values})"
