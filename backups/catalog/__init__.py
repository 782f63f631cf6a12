"""What a backup is, judged without Django, sockets or a clock: output, archive, ladder, retention, schedule."""
