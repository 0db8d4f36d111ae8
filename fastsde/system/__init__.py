"""What every stage needs: errors, atomic files, locks, progress, threads and provenance."""
