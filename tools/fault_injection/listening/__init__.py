"""An engine whose words are in the audio: whoever loses, doubles or displaces samples says other words."""
