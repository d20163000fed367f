"""The viewer: shows a run that has ended or goes on. Needs pygame-ce (`pip install 'crumple[view]'`)."""
