"""`python -m captrid_core` is the command line."""

from captrid_core.cli import main

if __name__ == "__main__":
    main()
