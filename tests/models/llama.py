"""llama.cpp's server on a model file, as a process of its own: `python llama.py MODEL PORT SLOTS`."""

import sys
import time

import xllamacpp

if __name__ == "__main__":
    asked = xllamacpp.CommonParams()
    asked.model.path, asked.port, asked.n_parallel = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    asked.hostnames = ["127.0.0.1"]
    asked.n_ctx = 4096
    asked.cpuparams.n_threads = 1
    asked.warmup = False
    asked.sampling.ignore_eos = True  # the weights are random: otherwise an answer may end at any token
    server = xllamacpp.Server(asked)
    while True:
        time.sleep(60)
