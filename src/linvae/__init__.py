"""Linear VAEs, probabilistic PCA and posterior collapse."""

import time

# A job trusts no file of linvae that has changed since it began to import them.
IMPORTED_AT = time.time()
