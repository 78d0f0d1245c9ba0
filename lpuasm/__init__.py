"""lpuasm: program a Groq-class LPU by hand, exact to the cycle."""
