# Prints each different line once, with how often it came, the most frequent first.
{ n[$0]++ }
END { for (line in n) print n[line], line }
