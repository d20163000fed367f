"""Sources, descriptions and registry of the test FMUs; see README.md."""
