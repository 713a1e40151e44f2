"""Attacks on a real server, in figures: what it did, how soon the attacker was gone, and what a witness noticed."""
