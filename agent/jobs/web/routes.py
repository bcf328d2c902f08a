"""The API as a table: address, who may, and what is asked of the daemon."""

from agent.control.operations import OPERATIONS
from agent.core.model import Value

PUBLIC = "public"
HOUSEHOLD = "household"
CONFIRMED = "confirmed"  # household that gave its password in the last minutes
PERSON = "person"  # whoever is at an added device, known by its address alone
OWN = "own"  # the person at a device, after their PIN, from that device

BODY_MAX = 16384


class Route(Value):
    """One operation of the API.

    `op` names the control operation that answers it, or, with a leading dot, the handler of ours that does.
    `query` and `body` name the fields it takes; `actor` adds who did it, for the ledger.
    """

    __slots__ = ("method", "path", "access", "op", "query", "body", "actor", "status")

    def __init__(
        self,
        method: str,
        path: str,
        access: str,
        op: str,
        query: tuple[str, ...] = (),
        body: tuple[str, ...] = (),
        actor: bool = False,
        status: int = 200,
    ) -> None:
        self.method = method
        self.path = path
        self.access = access
        self.op = op
        self.query = query
        self.body = body
        self.actor = actor
        self.status = status


PAGE = ("limit", "after")
WHO = ("device_id", "person_id")
CONTENT = tuple([name for name in OPERATIONS["content.set"].arguments if name not in WHO])
BONUS = ("minutes", "text", "bank")
LIMITS = ("windows", "dates", "version")
ENDS = ("seconds", "until", "morning", "ended")

ROUTES = (
    # The account
    Route("GET", "/api/v1/session", PUBLIC, ".show_session"),
    Route("POST", "/api/v1/session", PUBLIC, ".sign_in", status=201),
    Route("DELETE", "/api/v1/session", PUBLIC, ".sign_out", status=204),
    Route("POST", "/api/v1/session/confirm", HOUSEHOLD, ".confirm"),
    Route("POST", "/api/v1/setup", PUBLIC, ".set_up", status=201),
    Route("GET", "/api/v1/sessions", HOUSEHOLD, ".list_sessions"),
    Route("DELETE", "/api/v1/sessions", HOUSEHOLD, ".end_all", status=204),
    Route("DELETE", "/api/v1/sessions/{label}", HOUSEHOLD, ".end_session", status=204),
    Route("PUT", "/api/v1/password", HOUSEHOLD, ".change_password", status=204),
    Route("POST", "/api/v1/totp", CONFIRMED, ".offer_totp"),
    Route("PUT", "/api/v1/totp", CONFIRMED, ".start_totp", status=201),
    Route("DELETE", "/api/v1/totp", CONFIRMED, ".stop_totp", status=204),
    # What is going on
    Route("GET", "/api/v1/overview", HOUSEHOLD, ".overview", query=("since",)),
    Route("GET", "/api/v1/status", HOUSEHOLD, "status"),
    Route("GET", "/api/v1/events", HOUSEHOLD, ".events", query=("asked",)),
    Route("GET", "/api/v1/today", HOUSEHOLD, "today", query=("since",)),
    Route("GET", "/api/v1/week", HOUSEHOLD, "week", query=(*WHO, "ago")),
    # Devices and people
    Route("GET", "/api/v1/devices", HOUSEHOLD, "device.list", query=PAGE),
    Route(
        "POST",
        "/api/v1/devices",
        HOUSEHOLD,
        "device.add",
        body=("label", "mac", "address", "person_id", "shared"),
        actor=True,
        status=201,
    ),
    Route("GET", "/api/v1/devices/seen", HOUSEHOLD, "device.new"),
    Route("POST", "/api/v1/devices/seen/known", HOUSEHOLD, "device.known", body=("mac", "all")),
    Route(
        "PATCH",
        "/api/v1/devices/{id}",
        HOUSEHOLD,
        "device.edit",
        body=("label", "mac", "person_id", "shared", "never_off"),
        actor=True,
    ),
    Route("DELETE", "/api/v1/devices/{id}", CONFIRMED, "device.remove", actor=True),
    Route("PUT", "/api/v1/devices/{device_id}/features/{feature}", HOUSEHOLD, ".switch", body=("on", "agree", "erase")),
    Route("GET", "/api/v1/people", HOUSEHOLD, "person.list", query=PAGE),
    Route(
        "POST", "/api/v1/people", HOUSEHOLD, "person.add", body=("name", "group", "birth_month"), actor=True, status=201
    ),
    Route(
        "PATCH",
        "/api/v1/people/{id}",
        HOUSEHOLD,
        "person.edit",
        body=("name", "group", "birth_month"),
        actor=True,
    ),
    Route("DELETE", "/api/v1/people/{id}", CONFIRMED, "person.remove", actor=True),
    Route("PUT", "/api/v1/people/{person_id}/features/{feature}", HOUSEHOLD, ".switch", body=("on", "agree", "erase")),
    # Times, and internet off
    Route("GET", "/api/v1/people/{person_id}/limits", HOUSEHOLD, "limits.get"),
    Route("PUT", "/api/v1/people/{person_id}/limits", HOUSEHOLD, "limits.set", body=LIMITS, actor=True),
    Route("GET", "/api/v1/devices/{device_id}/limits", HOUSEHOLD, "limits.get"),
    Route("PUT", "/api/v1/devices/{device_id}/limits", HOUSEHOLD, "limits.set", body=LIMITS, actor=True),
    Route("GET", "/api/v1/holds", HOUSEHOLD, "hold.list"),
    Route("POST", "/api/v1/holds", HOUSEHOLD, ".turn_off", body=(*WHO, "all", "children", *ENDS), status=201),
    Route("DELETE", "/api/v1/holds", HOUSEHOLD, "hold.end", query=(*WHO, "seconds"), actor=True),
    Route("DELETE", "/api/v1/holds/{id}", HOUSEHOLD, "hold.end", query=("seconds",), actor=True),
    Route(
        "POST",
        "/api/v1/people/{person_id}/exceptions",
        HOUSEHOLD,
        "exception.add",
        body=("kind", "seconds"),
        actor=True,
        status=201,
    ),
    Route(
        "POST",
        "/api/v1/devices/{device_id}/exceptions",
        HOUSEHOLD,
        "exception.add",
        body=("kind", "seconds"),
        actor=True,
        status=201,
    ),
    # Minutes of use a day
    Route("GET", "/api/v1/people/{person_id}/usage", HOUSEHOLD, "usage.days", query=("days",), actor=True),
    Route("GET", "/api/v1/devices/{device_id}/usage", HOUSEHOLD, "usage.days", query=("days",), actor=True),
    Route("PUT", "/api/v1/people/{person_id}/allowance", HOUSEHOLD, "allowance.set", body=("minutes",), actor=True),
    Route("PUT", "/api/v1/devices/{device_id}/allowance", HOUSEHOLD, "allowance.set", body=("minutes",), actor=True),
    Route("POST", "/api/v1/people/{person_id}/bonus", HOUSEHOLD, "allowance.give", body=BONUS, actor=True, status=201),
    Route("POST", "/api/v1/devices/{device_id}/bonus", HOUSEHOLD, "allowance.give", body=BONUS, actor=True, status=201),
    Route("PUT", "/api/v1/pause", HOUSEHOLD, ".pause", body=("paused", "preview", "agree")),
    # History
    Route(
        "GET",
        "/api/v1/history",
        HOUSEHOLD,
        "history",
        query=(*WHO, "from", "to", "search", "show", "cause", *PAGE),
    ),
    Route("GET", "/api/v1/history/days", HOUSEHOLD, "history.days", query=(*WHO, "tz_offset")),
    Route("PATCH", "/api/v1/visits/{id}", HOUSEHOLD, "visit.mark_wrong", body=("undo",), actor=True),
    Route("PUT", "/api/v1/visits/{id}/background", HOUSEHOLD, "visit.background", body=("background",), actor=True),
    Route("DELETE", "/api/v1/visits/{id}", CONFIRMED, "visit.delete", actor=True),
    # Protection
    Route("GET", "/api/v1/attempts", HOUSEHOLD, "blocked", query=(*WHO, *PAGE)),
    Route("GET", "/api/v1/attempts/counts", HOUSEHOLD, "blocked.counts", query=("days", "tz_offset")),
    Route("GET", "/api/v1/explanation", HOUSEHOLD, "explain", query=("name", *WHO, "attempt_id", "at")),
    Route(
        "GET",
        "/api/v1/refusal-report",
        HOUSEHOLD,
        "block.report",
        query=("name", "device_id", "attempt_id", "with_day", "with_version", "note"),
    ),
    Route("GET", "/api/v1/rules", HOUSEHOLD, "rule.list", query=PAGE),
    Route(
        "POST",
        "/api/v1/rules",
        HOUSEHOLD,
        ".add_rule",
        body=("action", "name", "scope", "device_id", "person_id", "seconds", "sure"),
        status=201,
    ),
    Route("DELETE", "/api/v1/rules/{id}", HOUSEHOLD, "rule.remove", actor=True),
    Route("GET", "/api/v1/rules/text", HOUSEHOLD, "rule.export", query=PAGE),
    Route("POST", "/api/v1/rules/text", HOUSEHOLD, "rule.import", body=("lines", "action", "preview")),
    Route("GET", "/api/v1/categories", HOUSEHOLD, "categories"),
    Route("GET", "/api/v1/services", HOUSEHOLD, "services"),
    *[
        Route(
            method,
            f"/api/v1/{of}/content",
            HOUSEHOLD,
            op,
            body=CONTENT if method == "PUT" else (),
            actor=method == "PUT",
        )
        for of in ("people/{person_id}", "devices/{device_id}")
        for method, op in (("GET", "content.get"), ("PUT", "content.set"))
    ],
    Route("GET", "/api/v1/lists/content", HOUSEHOLD, "content.get"),
    Route("PUT", "/api/v1/lists/content", HOUSEHOLD, "content.set", body=("lists", "version"), actor=True),
    Route("GET", "/api/v1/lists", HOUSEHOLD, "lists"),
    Route("POST", "/api/v1/lists", HOUSEHOLD, "lists.add", body=("url", "name", "category", "syntax"), status=201),
    Route("DELETE", "/api/v1/lists/{feed}", HOUSEHOLD, ".remove_list"),
    Route("POST", "/api/v1/lists/rollback", HOUSEHOLD, "lists.rollback"),
    Route("PUT", "/api/v1/lists/{feed}", HOUSEHOLD, ".choose_list", body=("on",)),
    Route("POST", "/api/v1/lists/{feed}/decision", HOUSEHOLD, ".decide_list", body=("decision",)),
    Route("GET", "/api/v1/helplines", PUBLIC, "helplines"),
    Route("POST", "/api/v1/lists/update", HOUSEHOLD, "lists.update", status=202),
    Route("GET", "/api/v1/lists/progress", HOUSEHOLD, ".lists_progress"),
    # Privacy
    Route("GET", "/api/v1/features", PUBLIC, "features"),
    Route("GET", "/api/v1/notice", PUBLIC, "notice"),
    Route("POST", "/api/v1/notice/read", HOUSEHOLD, "notice.read", body=("version",), actor=True),
    Route("GET", "/api/v1/recipients", PUBLIC, ".recipients"),
    Route("GET", "/api/v1/ledger", HOUSEHOLD, "activity", query=PAGE),
    Route("POST", "/api/v1/audit", HOUSEHOLD, "audit", body=("head",)),
    Route(
        "POST",
        "/api/v1/erase",
        CONFIRMED,
        "delete",
        body=(*WHO, "all", "feature", "from", "to"),
        actor=True,
    ),
    Route(
        "POST",
        "/api/v1/erase/preview",
        HOUSEHOLD,
        ".preview_erase",
        body=(*WHO, "all", "feature", "from", "to"),
    ),
    Route("GET", "/api/v1/export", CONFIRMED, ".export", query=(*WHO, "all", "format", "table")),
    Route("GET", "/api/v1/settings", HOUSEHOLD, "settings.get"),
    Route("PATCH", "/api/v1/settings", HOUSEHOLD, ".set_setting"),
    # Summaries for an operator
    Route("GET", "/api/v1/reports", HOUSEHOLD, "statistics.list", query=PAGE),
    Route("GET", "/api/v1/reports/status", HOUSEHOLD, "statistics.status"),
    Route("GET", "/api/v1/reports/preview", HOUSEHOLD, "statistics.preview"),
    Route("GET", "/api/v1/reports/{id}", HOUSEHOLD, "statistics.show"),
    Route("POST", "/api/v1/reports/opt-in", CONFIRMED, "statistics.opt_in", body=("agree", "terms"), actor=True),
    Route("POST", "/api/v1/reports/opt-out", HOUSEHOLD, "statistics.opt_out", actor=True),
    # The copy of the history on flash
    Route("GET", "/api/v1/history-copy", HOUSEHOLD, "history_copy.status"),
    Route("POST", "/api/v1/history-copy/key", CONFIRMED, "history_copy.seal", body=("passphrase",), actor=True),
    Route("DELETE", "/api/v1/history-copy/key", CONFIRMED, "history_copy.unseal", actor=True),
    Route("POST", "/api/v1/history-copy/unlock", HOUSEHOLD, "history_copy.unlock", body=("passphrase",)),
    Route("DELETE", "/api/v1/history-copy", CONFIRMED, "history_copy.drop", actor=True),
    # The household's own weekly file
    Route("GET", "/api/v1/week-file", HOUSEHOLD, "week_file.status"),
    Route("GET", "/api/v1/week-file/preview", HOUSEHOLD, "week_file.preview"),
    Route("GET", "/api/v1/week-file/files", HOUSEHOLD, "week_file.list", query=PAGE),
    Route("PUT", "/api/v1/week-file", CONFIRMED, "week_file.turn_on", body=("target", "agree"), actor=True),
    Route("DELETE", "/api/v1/week-file", HOUSEHOLD, "week_file.turn_off", actor=True),
    Route("POST", "/api/v1/backup", CONFIRMED, ".backup", body=("passphrase", "history")),
    Route("POST", "/api/v1/restore", CONFIRMED, ".restore"),
    # What the people behind the devices say
    Route("GET", "/api/v1/requests", HOUSEHOLD, "request.list", query=("state", *PAGE)),
    Route("POST", "/api/v1/requests/{id}/answer", HOUSEHOLD, "request.reply", body=("answer", "grant"), actor=True),
    Route("POST", "/api/v1/time-code", HOUSEHOLD, "time.code", status=201),
    Route("POST", "/api/v1/devices/{device_id}/pin-code", HOUSEHOLD, ".make_pin_code", status=201),
    # The person at a device
    Route("GET", "/api/v1/me", PERSON, ".me"),
    Route("GET", "/api/v1/me/events", PERSON, ".my_events", query=("asked",)),
    Route("PUT", "/api/v1/me/features/{feature}", PERSON, ".my_switch", body=("on", "agree", "erase", "pin")),
    Route("POST", "/api/v1/me/confirmation", PERSON, ".my_confirmation", body=("pin",)),
    Route("PUT", "/api/v1/me/limits", PERSON, ".my_limits", body=("windows", "agree", "pin")),
    Route("POST", "/api/v1/me/time-code", PERSON, ".my_time_code", body=("code", "grant"), status=201),
    Route("POST", "/api/v1/me/requests", PERSON, ".my_request", body=("kind", "text", "target", "seconds"), status=201),
    Route("POST", "/api/v1/me/pin", PERSON, ".set_pin", status=201),
    Route("POST", "/api/v1/me/session", PERSON, ".enter_pin", status=201),
    Route("GET", "/api/v1/me/history", OWN, ".my_history", query=("from", "to", "search", "show", "cause", *PAGE)),
    Route("GET", "/api/v1/me/week", OWN, ".my_week", query=("ago",)),
    Route("GET", "/api/v1/me/attempts", OWN, ".my_attempts", query=PAGE),
    Route("PATCH", "/api/v1/me/visits/{id}", OWN, ".my_dispute", body=("undo",)),
    Route("POST", "/api/v1/me/erase", OWN, ".my_erase", body=("feature",)),
    Route("GET", "/api/v1/me/week-file", OWN, ".my_week_file"),
    Route("PUT", "/api/v1/me/week-file", PERSON, ".my_week_file_join", body=("terms", "agree", "pin")),
    Route("DELETE", "/api/v1/me/week-file", PERSON, ".my_week_file_leave"),
    Route("GET", "/api/v1/me/usage", OWN, ".my_usage", query=("days",)),
    Route("POST", "/api/v1/me/bonus", PERSON, ".my_bonus", status=201),
    Route("GET", "/api/v1/me/export", OWN, ".my_export", query=("format", "table")),
    # For programs
    Route("GET", "/api/v1/openapi.json", PUBLIC, ".openapi"),
    Route("GET", "/metrics", PUBLIC, ".metrics"),
)
