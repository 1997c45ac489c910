"""What only one application needs, behind one Protocol; never loaded by PID 1."""
