"""``python -m fastsde``: the command line of this very installation."""

from fastsde.cli import main

if __name__ == "__main__":
    main(prog_name="fastsde")
