"""Engine workers on Ray core: each is an actor with a GPU, or with processors, of its own.

Ray places them, starts them on nodes that join, and tells when one has ended. It decides nothing else: no queue, no
batch, no retry is Ray's, and Ray Serve is not used. This room is imported only where an operator asks for it.
"""
