"""Training on another machine: recipes and what they learn from as one file, and what runs there."""
