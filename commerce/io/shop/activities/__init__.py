"""Use cases of what rooms do together: polls, questions, a notice, lucky bags."""
