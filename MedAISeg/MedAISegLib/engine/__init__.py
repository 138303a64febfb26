"""The torch part: prepare a case, move the network over it, restore labels onto the source grid."""
