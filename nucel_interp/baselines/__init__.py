"""Methods of others, followed to the letter so that ours can be compared with them: DNABERT's."""
