"""The arguments of `solve`: what each may be, and what becomes of it."""
