"""What every other wing stands on: errors, files, paths, checks of arguments."""
