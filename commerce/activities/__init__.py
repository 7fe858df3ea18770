"""What a room does together beside buying: polls, questions, a notice. Rules without I/O."""
