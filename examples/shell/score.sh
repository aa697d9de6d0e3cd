#!/bin/sh
# Prints how many characters the program has; it has to give the right word for each case.
for word in apple pear; do
    found=$(printf '%s\n' apple pear "$word" plum "$word" | awk -f "$1") || exit 1
    [ "$found" = "$word" ] || { echo "found '$found' in place of '$word'" >&2; exit 1; }
done
wc -c < "$1"
