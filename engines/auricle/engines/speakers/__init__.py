"""Who said it: voices by their sound, for the words of finals, as a second pass that changes no text and no time."""
