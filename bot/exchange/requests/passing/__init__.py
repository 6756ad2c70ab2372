"""Who passed on what, and to whom: the tree of holders over several hops."""
