# Counts the words of its input, a word a line, and prints the most frequent one.
{ words[NR] = $0 }
END {
    for (i = 1; i <= NR; i++) {
        n = 0
        for (j = 1; j <= NR; j++) if (words[j] == words[i]) n++
        if (n > most) { most = n; best = words[i] }
    }
    print best
}
