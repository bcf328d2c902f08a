"""What lasts: state.db, history.db, their copies on flash, and the proof that they agree."""
