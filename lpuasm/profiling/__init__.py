"""The profiler: where the cycles of a program go, from its timeline alone; nothing has to run."""
