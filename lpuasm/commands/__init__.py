"""The commands, a file each. They hold no logic: they read, call a room, and answer."""
