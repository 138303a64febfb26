"""How what ships was made: the embedded model and the atlas of the sample study."""
