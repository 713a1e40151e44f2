"""``python -m auricle`` is the ``auricle`` command."""

from auricle.server.cli.entry import main

if __name__ == "__main__":
    main()
