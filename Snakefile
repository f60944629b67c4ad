"""linvae: linear VAEs, probabilistic PCA and posterior collapse."""


include: "workflow/Snakefile"


# An included file does not set it.
workflow.default_target = "all"
