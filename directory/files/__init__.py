"""Services in and out of files: HSDS as JSON, as lines of JSON and as a CSV package, and flat spreadsheets.

Every format is read as a stream of full HSDS services, and one path (`importing`) takes them in: as unverified
drafts, all of them or none. A rehearsal walks the same path and keeps nothing, so it cannot promise what the import
would not do.
"""
