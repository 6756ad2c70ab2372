"""Pictures, voice notes and files of a talk: the original as evidence, and the copy that may be shown."""
