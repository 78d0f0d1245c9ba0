"""Program to results."""
