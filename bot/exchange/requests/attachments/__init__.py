"""Files that travel with a request between two countries: in parts, sealed, each a letter that passes the gate."""
