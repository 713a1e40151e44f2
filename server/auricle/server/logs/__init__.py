"""The log of the server: one form for all that is logged, by this program and by the libraries that it is made of."""
