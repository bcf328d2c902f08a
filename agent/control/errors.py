"""The codes of an operation's error, each with its HTTP status (RFC 9110) and the command line's exit code."""

NOT_FOUND_EXIT = 4
REJECTED_EXIT = 5
NOT_AGREED_EXIT = 6

# code → (HTTP status, exit code).
ERRORS = {
    "bad_request": (422, REJECTED_EXIT),
    "not_found": (404, NOT_FOUND_EXIT),
    "conflict": (409, REJECTED_EXIT),
    "agree_first": (409, NOT_AGREED_EXIT),
    "wide": (409, REJECTED_EXIT),
    "forbidden": (403, REJECTED_EXIT),
    "busy": (503, REJECTED_EXIT),
    "storage": (507, REJECTED_EXIT),
    "internal": (500, REJECTED_EXIT),
}
