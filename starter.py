"""The door at the terminal: `python starter.py --help`."""

import gc
import sys

if __name__ == "__main__":
    gc.disable()  # until all is imported: looking for circles among what stays is a tenth of a start

from cli.app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
