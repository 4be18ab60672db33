"""The errors that users see: what was wrong, with the value, and what to do next."""


class CourseError(Exception):
    """Something a user can put right; the command line prints it as one sentence."""


class DataError(CourseError):
    """A data file, folder or download that is missing, damaged or not what it should be."""
