"""Transcripts as documents: text, JSON, subtitles, tables and lyrics."""
