"""How accuracy is counted: one code for every model."""
