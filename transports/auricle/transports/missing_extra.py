"""What to install where a client's libraries are missing."""


def missing_extra(module: str, extra: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error of ``module`` that names the extra which brings what ``error`` has not found."""
    return ModuleNotFoundError(
        f"{module} needs {error.name}, which is not installed: install auricle with its extra `{extra}`.",
        name=error.name,
    )
