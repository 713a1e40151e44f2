"""A recording in one plain call, as in a script or a notebook: python examples/transcribe.py FILE [MODEL]."""

import sys

import auricle


def main(path: str, model: str | None = None) -> None:
    heard = auricle.transcribe(path, model=model)
    print(heard.text)
    for segment in heard.segments:
        print(f"{segment.start:6.2f} {segment.end:6.2f}  {segment.confidence:.0%}  {segment.text}")
    print(f"{len(heard.words)} words, the first of them: {heard.words[0].text if heard.words else None}")


try:
    main(*sys.argv[1:])
except auricle.TranscriptionError as error:
    sys.exit(str(error))
