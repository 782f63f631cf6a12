"""The pure centre: types that every probe, step and connector speaks. Standard library only."""
