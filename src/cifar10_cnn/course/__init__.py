"""The course itself: run in order, as pages, published, and the doctor for machines."""
