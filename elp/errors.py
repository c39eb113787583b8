"""The one error that a user of `elp` meets when the input is at fault."""


class ElpError(ValueError):
    """Bad input, said in one sentence that tells what to do; the command line turns it into exit
    code 2.
    """
