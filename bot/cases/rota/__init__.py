"""Who is on duty: shifts, absences, swaps, and the note one shift leaves to the next."""
