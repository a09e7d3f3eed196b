# TODO find a name that says something
