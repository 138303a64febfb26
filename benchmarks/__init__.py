"""Measurements of this software beside reference implementations: same model, same image, same machine, by turns."""
