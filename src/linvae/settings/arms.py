"""In which ways a finished run is trained on, to see what a linear bypass of its networks adds."""

from typing import Literal, get_args

__all__ = ["ARMS", "Arm"]

# As it is, with a bypass at random values, with that of the run's certificate.
Arm = Literal["none", "random", "certificate"]
ARMS: tuple[Arm, ...] = get_args(Arm)
