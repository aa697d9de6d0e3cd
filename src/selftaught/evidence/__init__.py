"""What may be claimed of improvers: comparisons, intervals, verdicts, and what a program's strategy is."""
