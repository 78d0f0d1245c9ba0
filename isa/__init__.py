"""What the machine is: the instruction set, the chips, and what a program means in time."""
