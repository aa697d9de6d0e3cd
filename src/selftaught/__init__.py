"""STOP, the Self-Taught Optimizer: programs that improve programs, and themselves."""
