"""What a run found: the result and its verdict, as JSON, JUnit XML, HTML and on a terminal."""
