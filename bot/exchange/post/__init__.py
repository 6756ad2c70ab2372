"""Letters to partners and from them: kept, carried, opened, and each taken in once and only once."""
