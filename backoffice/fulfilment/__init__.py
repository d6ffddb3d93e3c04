"""What leaves the house: print sheets and the package for the register."""
