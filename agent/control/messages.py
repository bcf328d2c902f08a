"""What goes over the control socket, by what it is: JSON objects, whose values are checked where they come in."""

Request = dict[str, object]  # "op" and arguments
Reply = dict[str, object]  # of an operation
Row = dict[str, object]  # one thing in a reply, or what is stored of it
Event = dict[str, object]  # "event", and what it is about
Schema = dict[str, object]  # describes one of these for OpenAPI
