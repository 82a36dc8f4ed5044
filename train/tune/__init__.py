"""Search for better values of a recipe's fields, with Optuna; many machines can search together.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019.
"""
