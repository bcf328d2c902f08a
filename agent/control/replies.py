"""The shapes of what operations reply, for openapi.json and the tests; the daemon never reads this.

A reply is written as the arguments of an operation are: words of `name:type`, `name?:type` where the field may be
absent. A type is int, text, flag, any, or the name of a shape; `T[]` is a list, `T{}` an object of any names, `T|null`
may be null, `"a/b"` is one of these texts. Where a text that is `said` has values, the sentence with these apart is
beside it, as NAME_sentence. A word alone is a shape, all of whose fields are there.
"""

SHAPES = {
    "Counts": "visits:int attempts:int usage?:int",
    # Devices, people, and what is on for them
    "Group": '"child/teen/adult"',
    "State": '"on/off/waiting/suspended"',
    "Person": "id:int name:text group:Group birth_month:text|null becomes:Becomes|null internet:PersonNow"
    " usage:Minutes|null",
    "Becomes": "group:Group at:int",
    "Internet": "held:flag why:text until:int|null",
    "PersonNow": "Internet next:Turn|null",
    "LongNow": "Internet label:text text:text",
    "Turn": "held:flag why:text at:int",
    "Minutes": "on:flag today:int|null allowed:int|null left:int|null",
    "Device": "id:int label:text mac:text|null address:text|null person:Person|null shared:flag never_off:flag"
    " private_mac:flag many:flag features:Switches kept:Counts|null covered:flag unseen:Unseen|null internet:Internet"
    " usage:Minutes|null held:Delayed[]",
    "Switches": "history:Switch protection:Switch limits:Switch usage:Switch",
    "Switch": 'on:flag since:int|null epoch:int|null suspended:text|null lists?:"none/stale/ready"',
    "Unseen": "unseen?:int moved?:NewAddress|null through?:text|null",
    "NewAddress": "mac:text address?:text|null hostname?:text",
    "NewDevice": "mac:text address:text|null hostname:text private_mac:flag many:flag new:flag held:flag",
    "Delayed": "change:text at:int",
    "Switched": "device:Device|null devices:Device[] remaining?:int until?:int|null erased?:int",
    "Resumed": 'device_id:int label:text feature:text needs?:"agree/ask" why?:text',
    "Feature": "name:text title:text reads:text keeps:text days:int days_max:int sends:text version:int default:flag",
    "Notice": "version:int date:text text:text material:flag read_at:int|null",
    # Times, internet off, minutes
    "Window": 'id:int kind:"bedtime/break/homework" days:text begin:text end:text label:text holiday:flag',
    "Dates": "id:int first:text last:text",
    "Exemption": 'id:int kind:"off/later/earlier/free" until:int',
    "Hold": "id:int until:int by:text at:int device_id?:int person_id?:int",
    "HoldEnd": "ended:int[] now:LongNow",
    "LocalClock": "trusted:flag zone:text place:text summer:flag offset_min:int now:int",
    "Limits": "version:int windows:Window[] dates:Dates[] now:LongNow next:Turn|null exceptions:Exemption[]"
    " holds:Hold[] words:text[] consent:State clock:LocalClock trouble:said",
    "OwnTimes": "now:LongNow next:Turn|null words:text[] windows:Window[] consent:State changed:TimesChange[]",
    "TimesChange": "who:text at:int what:text detail:text",
    "Bonus": "minutes:int text:text by:text at:int",
    "Usage": "now:Minutes|null week:DayMinutes[]|null bonuses:Bonus[] bank:int consent:State trouble:said"
    ' resets:"midnight/wake"',
    "DayMinutes": "int|null",
    "UsageOf": "Usage not_counted:text[]",
    "OwnUsage": "Usage counted:flag",
    "UsageDay": "day:text minutes:int",
    # What was recorded
    "Visit": "id:int device_id:int epoch:int site:text first:int last:int hits:int hosts:text[] source:text status:text"
    " background:flag cause:int|null corrected:flag folded:int",
    "Attempt": "id:int device_id:int epoch:int target:text at:int hits:int source:text rule:Reason",
    "Reason": "text:text scope:text list_id:text list_name:text list_version:text category:text",
    "Today": "device_id:int visits:int sites:int attempts:int",
    "DayCount": "day:int category:text count:int",
    "Day": "start:int visits:int hours:int[]",
    "ActivityRow": "seq:int at:int actor:text device_id:int|null enrolment:text feature:text action:text notice:int"
    " hash:text detail:text",
    "Audit": "ok:flag rows_checked:int ledger_rows:int head:text findings:text[] sentences:any[]"
    " deleted_for_room:Counts",
    "Kept": "kind:text row:any",
    "Row": "kind:text row:any[]",
    # A week
    "Week": "from:int to:int zone:text days:WeekDay[] items:WeekOf[]",
    "WeekDay": "day:text start:int",
    "WeekOf": "person_id?:int name?:text group?:Group device_id?:int label?:text history:WeekHistory|null"
    " minutes:WeekMinutes|null blocked:int[]|null off:WeekOff|null gaps:Gap[] changes:WeekChange[]"
    " requests:WeekAsked[]",
    "WeekHistory": "on:flag visits:int hours:Hours[] sites:WeekSite[] more:int",
    "Hours": "int[]",
    "WeekSite": "site:text minutes:int visits:int",
    "WeekMinutes": "on:flag days:int[] allowance:DayMinutes[]|null",
    "WeekOff": "days:int[] windows_since:int|null words:text[]",
    "Gap": "from:int to:int",
    "WeekChange": "at:int who:text about:text what:text kind:text|null until:int|null device_id:int|null",
    "WeekAsked": "at:int device_id:int kind:text seconds:int|null state:text answer:text|null answered_at:int|null",
    # Rules and lists
    "Rule": 'id:int action:"allow/block" name:text scope:"household/person/device" device_id:int|null'
    " person_id:int|null created_at:int expires_at:int|null",
    "NewRule": "Rule unprotected:text[]",
    "Imported": "rules:int new:int over:int room:int complaints:Complaint[] wide:text[]",
    "Complaint": "line:int message:said",
    "WhyRule": "text:text action:text scope:text list_id:text list_name:text list_version:text category:text",
    "Safe": "operator:text target:text",
    "Explanation": 'name:text verdict:"allow/block" rule:WhyRule|null since:int|null then:Attempt|null safe:Safe|null'
    " applies:flag how:text at:int internet:Internet|null",
    "Content": "version:int categories:text[] services:ServiceMode[] search:text youtube:text always:text[]"
    " homework:text[] lists:text{}",
    "ServiceMode": "id:text mode:text windows:Hour[]",
    "Hour": "days:text begin:text end:text",
    "Category": "id:text title:text proposed:text[] list:text licence:text count:int updated:int|null",
    "Service": "id:text title:text group:text names:int",
    "Lists": "items:List[] categories:int{} state:text file:text feeds:Feed[] previous:SetSize|null pinned:flag"
    " kept:Copy auto:flag next_at:int|null trouble:said",
    "List": "id:text name:text category:text rules:int version:text loaded_at:int checked_at:int|null state:text"
    " message:said skipped:int{}",
    "Feed": "id:text name:text category:text for:text licence:text home:text address:text default:flag own:flag"
    " chosen:flag checked_at:int|null next_at:int|null failures:int message:said held:Held|null",
    "Held": "version:text rules:int reason:said",
    "WaitingList": "id:text name:text Held",
    "SetSize": "lists:int rules:int",
    "Copy": "state:text in_use:flag trouble:said",
    "Progress": "running:flag list_id:text|null name:text step:text done:int total:int message:said"
    " finished_at:int|null",
    "Helpline": "name:text note:text",
    # What somebody at a device sees and asks for
    "Me": "device:Device days:int{} kept:OwnCounts changes:Change[] adult:flag readers:text{} read_by:text[]"
    " requests:Request[] notice_version:int limits:OwnTimes week_file:text|null week_file_ask:WeekFileAsk|null"
    " usage:OwnUsage",
    "OwnCounts": "Counts oldest_at:int|null until:int|null",
    "Change": "at:int feature:text action:text actor:text detail:text",
    "Code": "code:text expires_at:int",
    "Request": 'id:int device_id:int kind:"objection/exception/erasure/unblock/time/tonight" text:text'
    ' target:text|null at:int state:"open/answered/ended" answer:text|null answered_at:int|null seconds:int|null'
    " wide:text|null",
    # Reports, the weekly file, the copy of the history
    "Statistics": "state:text running:flag why:text|null operator:Operator|null seen:text terms:text|null notice:int"
    " budget:Budget exhausted:flag next_at:int|null send_at:int|null waiting:int bytes:int trouble:said",
    "Operator": "name:text contact:text country:text purpose:text retention:text address:text key:text authority:text",
    "Budget": "spent:int|null lifetime:int report:int",
    "Answer": "name:text what:text number:text sent:text|null",
    "OperatorField": "name:text max:int what:text",
    "Report": "id:int report:text made:int epsilon:int notice:int state:text hash:text|null failures:int message:said"
    " ended:int|null period:int",
    "WeekFile": "state:text running:flag why:text|null target:Target|null seen:text notice:int next_at:int|null"
    " send_at:int|null waiting:int trouble:said adults:Adult[]",
    "Adult": "person_id:int name:text",
    "WeekFileAsk": "joined:flag address:text recipient:text seen:text terms:text notice:int",
    "Target": "user:text recipient:text address:text authority:flag",
    "WeekFileSent": "id:int made:int state:text hash:text|null failures:int message:said ended:int|null",
    "HistoryCopy": "wanted:flag exists:flag sealed:flag locked:flag",
    # The household
    "Status": "version:text started_at:int lists:ListsNow kernel:Kernel upstream:Upstream clock_set:flag booted:flag"
    " recording:Recording devices_on:int new_devices:NewDevices web:Page storage:Storage dns:int{} faults:Faults"
    " requests_waiting:int health_code:text health:said missing:text[]",
    "ListsNow": 'rules:int state:"none/stale/ready" loaded_at:int|null trouble:said',
    "Kernel": "state:text message:said held?:int holding?:said connections?:said connections_by?:text|null"
    " uncovered:int[] unseen:UnseenDevice[]",
    "UnseenDevice": "device_id:int label:text Unseen",
    "Upstream": "state?:text servers?:text[]",
    "Recording": "paused:flag unrecorded:int dropped:int unsent:int deleted_for_room:Counts encrypted_passes:int[]",
    "NewDevices": "mode:text waiting:int held:int",
    "Page": "port:int|null tls:flag",
    "Storage": "state:text message:said",
    "Faults": "total:int last:text",
    "Recipient": "kind:text name:text detail:said",
    "Setting": "key:text value:any kind:text sentence:text min?:int max?:int choices?:text[]",
    # What jobs are told
    "Plan": "feeds:FeedToFetch[] fetch:flag forced:flag protecting:flag number:int in_use:ListInUse[]"
    " decisions:Decision[] suffixes_file:text popular_file:text starter_dir:text shared_file:text",
    "FeedToFetch": "id:text name:text address:text syntax:text|null category:text rules:int",
    "ListInUse": "id:text version:text fetched:int|null",
    "Decision": "id:text version:text accept:flag",
    "ToSeal": "id:int report:text period:int notice:int text:text",
    "ToSend": "id:int failures:int",
    "OperatorKey": "key:text address:text authority:text",
    "Numbered": "id:int",
}


def fields(words: str) -> list[tuple[str, str, bool]]:
    """(name, type, whether it is always there) of each field of a reply or shape; those of a shape within it, too."""
    found = []
    for word in words.split():
        name, colon, kind = word.partition(":")
        if kind == "said":
            found += [
                (name.rstrip("?"), "text", not name.endswith("?")),
                (name.rstrip("?") + "_sentence", "any", False),
            ]
        elif colon:
            found.append((name.rstrip("?"), kind, not name.endswith("?")))
        else:
            found += fields(SHAPES[name])
    return found
