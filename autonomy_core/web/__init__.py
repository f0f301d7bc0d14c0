"""How views are declared, how their input is read, and how they are answered."""
