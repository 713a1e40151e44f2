"""The attacks, by what they abuse. Each is a function of a `abuse.target.Target`, and returns a `abuse.fates.Fates`."""
