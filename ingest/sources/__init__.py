"""Where entries come from: one class a kind of source behind one interface."""
