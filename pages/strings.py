"""What the dashboard says. Tests read these same words, so that copy can change without breaking them.

Text in braces is filled in by the pages; what comes from a directory or a person goes through `md`.
"""

from __future__ import annotations

# ruff: noqa: E501, S105  (sentences are as long as they are, and “secret” is only a word here)

PRODUCT = "CaptrID Directory Sync"

# Pages
HOME = "Home"
MASTER_LISTS = "Master Lists"
MASTER_LIST = "Master List"
DIRECTORY_INTEGRATIONS = "Directory Integrations"
CREATE_LIST = "Create Master List"
CONFIGURE_SYNC = "Configure Sync"
RUN = "Sync run"

# Everywhere
BACK = "Back"
NEXT = "Next"
SAVE = "Save"
CANCEL = "Cancel"
CLOSE = "Close"
SEARCH_PEOPLE = "Search people"
ERROR_CODE = "Error code"
UNKNOWN_ERROR = "Something went wrong."
FAULT = (
    "**Something went wrong on this page.** Reload it; if that does not help, look for reference "
    "`{reference}` in the server's log. Nothing was changed."
)
NOT_SYNCED_YET = "Not synced yet"

# Home
HOME_STATUS_FINE = "Everything is in order."
NEEDS_ATTENTION = "Needs attention"
YOUR_LISTS = "Your Master Lists"
CORRECT_AS_OF = "Correct as of {ago}"
WELCOME = "Welcome"
WELCOME_TEXT = (
    "Three steps, and your people stay in step with Microsoft Entra ID: new starters appear, changed details "
    "follow, and leavers are deactivated, never deleted."
)
STEP_CONNECT = "Connect your directory"
STEP_CONNECT_TEXT = (
    "Enter the Tenant ID, Client ID and Client Secret of your app registration, and test them."
)
STEP_CREATE = "Create a Master List"
STEP_CREATE_TEXT = (
    "Choose who belongs to it and which details to bring over. You see real people before anything is saved."
)
STEP_SYNC = "Run the first sync"
STEP_SYNC_TEXT = "Watch it work, then look at what it created."
NO_LISTS_YET = "There is no Master List yet."

# Directory Integrations
CONNECTIONS_INTRO = "Connections to Microsoft Entra ID. Secrets are stored encrypted and never shown again."
YOUR_CONNECTIONS = "Your Connections"
NO_CONNECTIONS = "No connection yet"
NO_CONNECTIONS_TEXT = (
    "Ask your IT administrator for an app registration in Microsoft Entra with the application permissions "
    "**User.Read.All** and **GroupMember.Read.All**, granted with admin consent. You enter its Tenant ID, "
    "Client ID and Client Secret here."
)
ADD_CONNECTION = "Add Connection"
EDIT_CONNECTION = "Edit connection"
REMOVE_CONNECTION = "Remove connection"
TEST_CONNECTION = "Test Connection"
TEST = "Test"
EDIT = "Edit"
REMOVE = "Remove"
TESTING = "Signing in and counting users and groups…"
CONNECTION_NAME = "Connection Name"
TENANT_ID = "Tenant ID"
CLIENT_ID = "Client ID"
CLIENT_SECRET = "Client Secret"
CERTIFICATE = "Certificate"
CONNECTION_NAME_HELP = "A label for your reference, such as School Entra."
TENANT_ID_HELP = "Directory (tenant) ID, on the app registration’s overview in Microsoft Entra."
CLIENT_ID_HELP = "Application (client) ID, on the same page."
CLIENT_SECRET_HELP = "The secret’s Value (not its Secret ID), from Certificates & secrets."
KEEP_SECRET = "Leave empty to keep the stored one"
CREDENTIAL = "Sign in with"
CERTIFICATE_FILE = "Certificate and private key (PEM file)"
CERTIFICATE_HELP = "One file with both. Upload its public part to the app registration."
SECRET_EXPIRES = "Secret expires on"
SECRET_EXPIRES_HELP = "Optional. You are warned before that day comes."
ADVANCED_CONNECTION = "Cloud, addresses and network"
CLOUD = "Cloud"
CUSTOM_CLOUD = "Custom addresses"
AUTHORITY_URL = "Sign-in address"
GRAPH_URL = "Graph address"
CA_FILE = "CA file on the server"
CA_FILE_HELP = "Path of a PEM file with the certificate authority to trust, where the network inspects TLS."
SAVE_UNTESTED = "Save without a test"
TEST_WORKED = "Connected to {tenant}: {users} and {groups} found."
PERMISSIONS = "Permissions"
CONNECTION_SAVED = "Connection “{name}” saved."
CONNECTION_REMOVED = "Connection “{name}” removed."
CONNECTION_WORKS = "“{name}” works: {users} and {groups} found."
TESTED = "Tested {ago}"
NOT_TESTED = "Not tested yet"
USED_BY = "Used by {lists}"
USED_BY_NONE = "Not used by any Master List"
REMOVE_UNUSED = "“{name}” and its stored secret are removed. No Master List uses it."
REMOVE_USED = "“{name}” feeds {lists}. Removing it disconnects {them}: syncing stops, all people stay as they are, and their locked fields become editable."
REMOVE_AND_DISCONNECT = "Disconnect and remove"
SECRET_DAYS_LEFT = "Secret expires in {days}"
SECRET_PAST = "Secret expired"

# Create Master List, Configure Sync
STEP_SOURCE = "Source"
STEP_CONNECTION = "Connection"
STEP_SCOPE = "Scope & Filters"
STEP_MAPPING = "Mapping"
STEP_FIELDS = "Fields"
STEP_REVIEW = "Review"
DRAFT_SAVED = "Draft saved {ago}"
DISCARD_DRAFT = "Discard draft"
DRAFT_KEPT = "What you enter is kept: you can leave and come back to it."
LIST_NAME = "Name of the Master List"
LIST_NAME_PLACEHOLDER = "Staff"
LIST_NAME_SHORT = "Name"
LIST_NAME_TAKEN = "There is a Master List “{name}” already. Choose another name."
LIST_NAME_MISSING = "Give the Master List a name."
SOURCE = "Where do its people come from?"
SOURCE_DIRECTORY = "Directory (Microsoft Entra ID)"
SOURCE_MANUAL = "Manual Entry"
SOURCE_CSV = "CSV Import"
SOURCE_DIRECTORY_TEXT = "New starters, changes and leavers arrive with every sync."
SOURCE_MANUAL_TEXT = "You add people one by one. A directory can be connected later."
SOURCE_CSV_TEXT = "You upload a file on the list’s page when it is created, as often as you like."
CHOOSE_A_CONNECTION = "Choose a connection."
CHOOSE_CONNECTION = "Connection"
NO_CONNECTION_TO_CHOOSE = (
    "There is no connection to a directory yet. Add one, then come back: your draft is kept."
)
CONNECTION_FAILED_LAST = "The last test of this connection failed. Test it before you go on."
SCOPE = "Who should be in this list?"
ALL_USERS = "All users"
SPECIFIC_GROUP = "Specific group"
ALL_USERS_TEXT = "Everyone in the directory: {count}. Includes shared mailboxes and service accounts."
ALL_USERS_UNCOUNTED = "Everyone in the directory, with shared mailboxes and service accounts."
SPECIFIC_GROUP_TEXT = "Only the members of one group. Recommended: faster, and to the point."
SEARCH_GROUPS = "Search groups by name"
SEARCH_GROUPS_PLACEHOLDER = "Teaching staff"
GROUPS_FOUND = "Groups"
NO_GROUPS_FOUND = (
    "No group’s name contains “{search}”. Check the spelling, or whether the group is in this tenant."
)
MORE_GROUPS = "The first {count} groups are shown. Search by name to find others."
CHOOSE_GROUP = "Choose a group, or All users."
REFRESH = "Refresh"
NESTED = "Include members of groups inside this group"
NESTED_COUNT = "{nested} with nested groups, {direct} without"
SAME_COUNT = "{direct}; groups inside it add nobody"
DIRECT_COUNT = "{direct}, or {nested} with nested groups"
CONCERNS = ": {accounts} in this scope"
ZERO_USERS = (
    "**0 users found in this group.** Either it has no members of its own (perhaps only groups inside it: include "
    "them above), or the app registration lacks **GroupMember.Read.All** with admin consent. A sync of it would "
    "find nobody."
)
FILTERS = "Filters"
EXCLUDE_GUESTS = "Leave out guests"
EXCLUDE_GUESTS_HELP = "Guests invited from other organisations are not synced."
EXCLUDE_DISABLED = "Leave out disabled accounts"
EXCLUDE_DISABLED_HELP = (
    "People whose account is blocked from signing in are not synced; those already here are deactivated."
)
COUNT_BEFORE_FILTERS = "Counts are before the filters."
READING_GROUPS = "Looking for groups…"
COUNTING = "Counting…"
READING_SAMPLE = "Reading a few people to show you real values…"
MAPPING_INTRO = (
    "Directory fields on the left, fields of the Master List on the right, with values of real people."
)
SAMPLED = "Values of {people} sampled from {scope}."
SAMPLE_EMPTY = (
    "**Nobody was found in this scope**, so there are no sample values. You can still map fields, but check the "
    "scope first."
)
AUTO_MAPPED = "{count} mapped automatically by matching names."
SUGGESTIONS = "Suggestions"
APPLY_ALL = "Apply all"
SHOW = "Show"
SHOW_MAPPED = "Mapped and common"
SHOW_WITH_DATA = "With data"
SHOW_UNMAPPED = "Unmapped with data"
SHOW_ALL = "All fields"
SEARCH_FIELDS = "Search directory fields"
NO_FIELDS_SHOWN = "No directory field fits."
DIRECTORY_FIELD = "Directory field"
SAMPLE_VALUES = "Sample values"
LIST_FIELD = "Master List field"
NOT_MAPPED = "Not mapped"
CREATE_FIELD = "Create “{label}”"
NO_VALUES = "no values in the sample"
COVERAGE = "{filled} of {sampled} have a value"
UID = "UID field"
UID_SHORT = "UID"
UID_QUESTION = "Which directory field identifies a person?"
UID_WHY = (
    "It matches people on every sync, so it must be there for everyone, belong to one person alone and never "
    "change. If someone’s UID changes in the directory, they appear as a new person."
)
UID_CHOOSE = "Choose the field that identifies people."
UID_RECOMMENDED = "recommended"
UID_EVERYONE = "everyone sampled has one"
UID_SOME = "{filled} of {sampled} have one; the others would be skipped"
UID_NO_DUPLICATES = "no duplicates"
UID_DUPLICATES = "{people} share theirs with someone else and would be skipped"
UID_CASE = "{people} differ from another by upper and lower case only"
UID_UNSTABLE = "may change when someone marries or moves"
UID_TYPE = "The UID field “{label}” must be of type Text or Email."
UID_BADGE = "UID"
UID_CHOOSE_FIELD = "Choose the UID field."
UID_FIXED = "This list has people already, so its UID field stays “{field}”. Another directory field can feed it, but it must hold the same values, or everyone would appear as a new person."
SAMPLE_UNREAD = "The directory could not be read. Mend that first, or go back."
TARGET_OF = "Master List field for {label}"
RULES = "Rules: changed UIDs, and when a sync waits for you"
FIELD_TAKEN = "There is a field with the key of “{label}” already."
NEW_FIELD_LABEL = "Field {number}"
NEW_FIELDS = "New fields"
NEW_FIELDS_TEXT = "They are created together with the list. A key never changes afterwards."
FIELD_LABEL = "Label"
FIELD_TYPE = "Type"
FIELD_KEY = "Key"
FIELD_OPTIONS = "Options, separated by commas"
FIELD_REQUIRED = "Required"
ADD_FIELD = "Add field"
FIELD_EXISTS = "“{label}” is already used by {path}."
ON_UID_CHANGE = "When a UID changes in the directory"
NEW_PERSON = "New person"
SAME_PERSON = "Same person"
NEW_PERSON_TEXT = "The new UID becomes a new person; the old one is deactivated."
SAME_PERSON_TEXT = "The person keeps their record and takes the new UID."
GUARDS = "When to hold a sync for your decision"
GUARDS_TEXT = "A sync that would do more than this changes nothing until someone has looked at it."
GUARD_LEAVERS = "Deactivations"
GUARD_BLANKS = "Values blanked in one field"
GUARD_PEOPLE = "From this many people"
GUARD_PERCENT = "And above this share of the managed people (%)"
PROBLEMS = "Problems"
NAMELESS = "Somebody without a name"
NOBODY = "nobody"
GUESTS = "guests"
DISABLED_ACCOUNTS = "disabled accounts"
LEFT_OUT = "Left out"
MAPPED_FIELDS = "Mapped fields"
WITH_NESTED = ", with nested groups"
REVIEW_INTRO = "Nothing has been saved yet. This is how the first people will look."
REVIEW_INTRO_PLAIN = "Nothing has been saved yet."
REVIEW_PEOPLE = "First people, as they will look"
REVIEW_PROBLEMS = "{count} of these {people} would have a problem:"
REVIEW_NO_PROBLEMS = "No problems in the sample."
CREATE_AND_SYNC = "Create and sync now"
CREATE_ONLY = "Create only"
SAVE_AND_SYNC = "Save and sync now"
SAVE_ONLY = "Save only"
LIST_CREATED = "Master List “{name}” created."
SYNC_CONFIGURED = "Sync of “{name}” configured."
FULL_NEXT = "The next sync is a full one, because its configuration changed."
MANUAL_FIELDS = "Which details does this list keep?"
MANUAL_FIELDS_TEXT = "More fields can be added later, on the list’s Schema tab."
MANUAL_UID = "UID field: what identifies a person, such as an employee or student number"

# Master Lists
LISTS_INTRO = "Lasting rosters of people: the source of truth."
UNFINISHED = "Unfinished"
CONTINUE = "Continue"
DISCARD = "Discard"
OPEN = "Open"
NOT_CONNECTED = "Not connected"
CONNECTED = "Connected"

# A list
TAB_PEOPLE = "People"
TAB_SYNC = "Sync"
TAB_SCHEMA = "Schema"
TOTAL = "Total"
ACTIVE = "Active"
INACTIVE = "Inactive"
ALL = "All"
SYNCED = "Synced"
SYNCED_HELP = "People that the directory manages."
STATUS = "Status"
SORT = "Sort by"
DESCENDING = "Descending"
LOCKED_HELP = "Managed by {connection}: locked for synced people."
LOCKED_LEGEND = "🔒 Managed by {connection}. Locked for synced people; everything else can be edited."
MODE = "What the table is for"
MODE_OPEN = "Open"
MODE_EDIT = "Edit"
MODE_SELECT = "Select"
MODE_HINTS = {
    MODE_OPEN: "Select a row to open a person.",
    MODE_EDIT: "Double-click a cell to edit it; nothing is written before you save.",
    MODE_SELECT: "Tick people on this page, then deactivate or reactivate them together.",
}
COLUMNS = "Columns"
COLUMNS_HIDDEN = "Columns to hide"
COLUMNS_HELP = "For this window only. The UID is always shown."
CHOSEN = "{people} selected"
BULK_DEACTIVATE = "Deactivate people"
BULK_REACTIVATE = "Reactivate people"
BULK_DEACTIVATE_TEXT = "**{people}** of “{name}” become Inactive. Nobody is deleted."
BULK_REACTIVATE_TEXT = "**{people}** of “{name}” become Active again."
BULK_DEACTIVATED = "Deactivated {people}."
BULK_REACTIVATED = "Reactivated {people}."
AND_MORE = " and {count} more"
INACTIVE_SINCE = "Inactive since"
BY_HAND = "by hand, {actor}"
SAVE_N = "Save {changes}"
PEOPLE_SAVED = "Saved {people}."
CONFLICTS = "**Nothing was saved.** These values were changed after you had seen them. Look again, and enter what is still right."
CONFLICT = "{uid}, {field}: you entered “{given}”, now it is “{present}”"
BLANK = "blank"
YES = "yes"
NOBODY_YET = "Nobody yet"
NOBODY_YET_CONNECTED = "Run the first sync, and the people of {scope} appear here."
NOBODY_YET_LOCAL = "Add people one by one, import a CSV file, or connect a directory on the Sync tab."
NOBODY_FITS = "Nobody fits. Change the search or the status filter."
EXCEPTIONS_ONLY = "Exceptions only"
EXCEPTIONS_HELP = "People whose status was set by hand and disagrees with the directory."
ADD_PERSON = "Add person"
PERSON_ADDED = "{uid} added."
PERSON_SAVED = "Changes to {uid} saved."
PERSON = "Person"
FROM_DIRECTORY = "From the directory"
LOCAL_FIELDS = "Local fields"
FIELDS = "Fields"
NO_LOCAL_FIELDS = "Every field of this list is managed by the directory. Add a field on the Schema tab to keep details of your own."
SAVE_CHANGES = "Save changes"
DEACTIVATE = "Deactivate"
REACTIVATE = "Reactivate"
RELEASE = "Release to the directory"
RELEASE_HELP = "The directory decides on the status again, at once."
MANAGED = "Managed by the directory"
EXCEPTION = "Exception: status set by hand"
DEACTIVATE_MANAGED = "Stays inactive although the directory has this person, until you release the status."
REACTIVATE_MANAGED = "If the directory no longer has this person, they stay active as an exception."
PERSON_DEACTIVATED = "{uid} deactivated."
PERSON_REACTIVATED = "{uid} reactivated."
PERSON_JOINED = "The two records are one person now, {uid}."
JOIN = "Join records"
JOIN_TITLE = "Same person, two records"
JOIN_HELP = "Did this person get another UID, so that the list has them twice? Enter the UID of the other record. The older record stays, with its own fields and its history; it takes the account, the UID and the directory’s values of the other one."
JOIN_UID = "UID of the other record"
BY_RUN = "{actor}, in run {run}"
HISTORY_EMPTY = "Nothing has happened yet."
HISTORY_LATEST = "The latest {count} changes. `captrid person history` shows all."
PERSON_RELEASED = "The directory decides on the status of {uid} again."
IMPORT_CSV = "Import CSV"
EXPORT = "Export"
EXPORTS = {
    ".csv": "CSV",
    ".xlsx": "Excel workbook",
    ".parquet": "Parquet",
    ".json": "JSON",
}

# Sync tab
NOT_CONFIGURED = "No directory feeds this list"
NOT_CONFIGURED_TEXT = (
    "Connect it, and new starters, changes and leavers arrive with every sync. Its people stay as they are."
)
DISCONNECTED_TEXT = (
    "This list was disconnected. Its people stayed, and their fields are editable. Connect it again with the same UID "
    "and the same people are linked: nobody is created twice."
)
LAST_SYNC = "Last sync"
SCOPE_LABEL = "Scope"
SYNC_NOW = "Sync Now"
SYNC_KIND = "Kind of sync"
FULL_SYNC = "Full Sync"
DELTA_SYNC = "Delta Sync"
FULL_SYNC_TEXT = "Reads everyone and reconciles all records."
DELTA_SYNC_TEXT = (
    "Only what changed since the last sync. Runs in full where that is not possible, and says why."
)
DELTA_LINK = "Delta link"
DELTA_LINK_HELP = "Delta Sync goes on from here: {exact}. Microsoft keeps that place for 7 days; after that, a delta runs in full."
NO_DELTA_LINK = "None yet"
FULL_NEEDED = "A full sync runs now in any case, because {why}."
ALREADY_RUNNING = "A sync of this list is already running."
RUNNING = "Sync running"
RUNNING_BY = "Started {ago} by {actor}"
READ_OF_ABOUT = "{read} of about {about} read"
READ_SO_FAR = "{read} read"
WAITING = "Waiting: {reason}"
PHASES = {
    "starting": "Starting",
    "signing in": "Signing in",
    "reading": "Reading people",
    "comparing": "Comparing",
    "looking up": "Looking up who is missing",
    "applying": "Saving",
    "photos": "Taking photos",
}
CANCEL_SYNC = "Cancel sync"
CANCEL_HELP = "Nothing is changed by a cancelled sync, and nobody is deactivated."
CANCEL_ASKED = "Asked the sync to stop."
RESULTS = "Results"
RESULTS_OF = "Run {run} · {kind} · {ago}"
HISTORY = "History"
NO_RUNS_YET = "No sync has run yet. The first one is a full sync: it reads everyone in {scope}."
NOTHING_NEW = "Nothing has changed in the directory since the sync before."
ZERO_SYNCED = "**0 users were found in the scope.** Check the group’s membership in Entra, whether nested groups have to be included, and that the app registration has **GroupMember.Read.All** with admin consent."
NO_CHANGES = "No changes: everyone is as the directory has them."
ERRORS = "Errors"
WARNINGS = "Warnings"
CHANGES = "Changes"
HELD_TITLE = "This sync waits for your decision"
HELD_TEXT = "Nothing of it has been applied. Look through what it would do, then apply or discard it."
APPLY = "Apply"
APPLY_HELD = "Apply held sync"
APPLY_TEXT = "This is what run {run} of “{name}” then does:"
APPLY_NOTE = "If the list has changed since, the changes are worked out again; it is held again only if it would deactivate or blank more people than shown here."
DISCARD_HELD = "Discard held sync"
DISCARD_TEXT = "Nothing of run {run} is applied. What it would have done stays in the history. The next sync reads the directory again, and may be held again."
HELD_APPLIED = "Run {run} was applied."
HELD_AGAIN = "The list changed meanwhile, and the run would now do more than you saw. It is held again: look through it once more."
HELD_DISCARDED = "Run {run} was discarded."
UNDO_RUN = "Undo this run"
UNDO_HELP = "Takes back what this run did. What was changed later stays as it is."
UNDO_TEXT = "What run {run} did to **{name}** is taken back: values go back where they still are what the run made them, people it created are deactivated, and people it deactivated are Active again."
UNDO_NOTE = "What staff or later syncs changed stays, and is listed. The next sync is a full one and brings back what the directory still says: mend the cause first."
RUN_UNDONE = "Run {run} was undone."
UNDOES = "It undid run {run}"
UNDONE_BY = "Undone by run {run}"
LOOK_THROUGH = "Look through it"
OPEN_RUN = "Open run"
OPEN_RUN_HINT = "Select a row to open a run."
PEOPLE_CHANGED = "People changed over time"
DISCONNECT = "Disconnect"
DISCONNECT_TITLE = "Disconnect this list"
DISCONNECT_CONSEQUENCES = (
    "Sync stops: no further updates come from the directory.",
    "All {people} stay in the Master List, with their fields as they are.",
    "{locked} become editable.",
    "You can connect it again later; with the same UID the same people are linked.",
)
DISCONNECTED = "“{name}” is disconnected."
SHOWN_RUNS = "The latest {shown} runs."

# Schema
SCHEMA_INTRO = "The fields of this list. A field’s key never changes after it was created."
FIELD_ADDED = "Field “{label}” added."

# Run
RUN_TITLE = "Run {run}"
TO_LIST = "Back to {name}"
NO_RUN = "No run was chosen."
NO_LIST = "No Master List was chosen."
ALL_ACTIONS = "All changes"
SEARCH_CHANGES = "Search a person or value"
NOTHING_CHANGED = "This run changed nothing."
NO_CHANGE_FITS = "No change fits."
WHAT_IT_WOULD_DO = "What it would do"
WHAT_IT_DID = "What it did"
STATUS_WORDS = {
    "running": "Running",
    "succeeded": "Succeeded",
    "held": "Held",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
    "discarded": "Discarded",
    "undone": "Undone",
}
KIND_WORDS = {"full": "Full Sync", "delta": "Delta Sync", "undo": "Undo"}
ACTION_WORDS = {
    "created": "Created",
    "updated": "Updated",
    "deactivated": "Deactivated",
    "reactivated": "Reactivated",
    "linked": "Linked",
    "unlinked": "Unlinked",
    "joined": "Joined",
}
REASON = "Reason"
REASON_WORDS = {
    "deleted": "Deleted in the directory",
    "recycle_bin": "Deleted; can be restored from the directory’s recycle bin",
    "disabled": "Account disabled",
    "guest": "Account is a guest now",
    "out_of_scope": "Not in the group any more",
    "uid_changed": "The account has another UID now",
}
HOLD_WORDS = {
    "empty_read": "Nobody was read",
    "incomplete_read": "The read was incomplete",
    "unexplained_leavers": "Not found out why people are missing",
    "many_leavers": "Many would be deactivated",
    "mass_blanking": "Many values would be blanked",
}
TYPE_WORDS = {
    "text": "Text",
    "number": "Number",
    "email": "Email",
    "dropdown": "Dropdown",
    "date": "Date",
}
ORIGIN_WORDS = {"directory": "From the directory", "manual": "Added by hand", "csv": "Imported"}

# Small words of tables and figures
WHAT = "What happened"
FIELD = "Field"
OBJECT_ID = "Directory object"
CHANGE = "Change"
BEFORE = "Before"
AFTER = "After"
WHEN = "When"
RUNS = "Runs"
RUN_NUMBER = "Run"
STARTED = "Started"
KIND = "Kind"
DURATION = "Took"
BY = "By"
ROW = "Row"
OPTIONS = "Options"
FIELD_ROLE = "Kept by"
UNCHANGED = "Unchanged"
SKIPPED = "Skipped"
DONE = "Done"
LOOK = "Look"
REVIEW_IT = "Review"
NO_VALUE = "No value"
WITHOUT_NAME = "Without a name"
DIRECTORY_ACCOUNT = "Directory account"
EXCEPTION_SHORT = "By hand"
REMOVED_CONNECTION = "a removed connection"
LOCKED_FIELDS = "The locked fields"
TOOK = "took {time}"
RAN = "{ago} by {actor}"
FED_BY = "Directory: {path}"
LOCAL_ONLY = "Local only"
OPEN_RUN_NUMBER = "Open run {run}"
FIRST_NOTES = "The first {count} are shown."
WOULD_BE = "Nothing of this has been applied: it is what the run would do."
CREATED_HELP = "New people."
UPDATED_HELP = "People with at least one changed field."
DEACTIVATED_HELP = "People who are not in the scope any more. Nobody is ever deleted."
REACTIVATED_HELP = "People who came back. They are counted in Updated, too."
UNCHANGED_HELP = "People who were as the directory has them."
SKIPPED_HELP = (
    "Directory accounts of which nothing was applied, because their UID is missing or not theirs alone."
)
ERRORS_HELP = "What could not be taken over, one line each."
NO_ACTIVITY = "Nothing has changed yet."
ACTIVITY_UNIT = {
    "run": "One bar for each run.",
    "day": "One bar for each day.",
    "week": "One bar for each week.",
    "month": "One bar for each month.",
}
ACTIVITY_ALT = "{change} by syncs over time: {total} people in all"
PERSON_GONE = "This person is not there any more."
NOTHING_TO_SAVE = "Nothing was changed."
ADD_TO_CONNECTED = "A person added here is kept by hand. If the directory later has someone with the same UID, a sync links the two."
IMPORT = "Import"
IMPORT_TEXT = "The first row names the fields. People are matched by their UID: new ones are created, known ones updated. Nothing is saved before you have seen what would happen."
CSV_FILE = "CSV file"
IMPORTED = "Imported: {created} created, {updated} updated."
IMPORT_ERRORS = "{count} lines or cells would not be taken over."
LABEL_MISSING = "Give the field a label."
KEPT_BY_HAND = "Kept by hand and by import."
CARD_LAST = "Last sync: {created} created, {updated} updated, {deactivated} deactivated"
CARD_COUNTS = "**{active}** active of {total}"

AUDIT_LOG = "Audit log"
AUDIT_INTRO = "Who did what by hand. What a sync changed is on the page of its run."
AUDIT_SEARCH = "Search the audit log"
AUDIT_ABOUT = "About"
AUDIT_WHO = "Done by"
AUDIT_ANYBODY = "Anybody"
AUDIT_WHAT = "What"
AUDIT_ON = "On"
AUDIT_DETAILS = "Details"
AUDIT_CSV = "Download as CSV"
AUDIT_EMPTY = "Nothing has been done by hand yet."
AUDIT_NOTHING_FITS = "Nothing fits. Try fewer words, or look at everything."
AUDIT_FAMILIES = {
    "": "Everything",
    "connection.": "Connections",
    "directory.": "Sync configuration",
    "list.": "Master Lists",
    "field.": "Fields",
    "people.": "Imports",
    "person.": "People",
    "run.": "Sync runs",
    "schedule.": "Schedules",
    "sql.": "SQL",
    "organisation.": "Organisation",
    "notifications.": "Notifications",
}
AUDIT_WORDS = {
    "connection.added": "Connection added",
    "connection.edited": "Connection edited",
    "connection.removed": "Connection removed",
    "directory.configured": "Sync configured",
    "directory.disconnected": "Directory disconnected",
    "field.added": "Field added",
    "field.changed": "Field changed",
    "list.archived": "Master List archived",
    "list.created": "Master List created",
    "list.deleted": "Master List deleted",
    "list.reinstated": "Master List taken out of the archive",
    "list.renamed": "Master List renamed",
    "list.rules_changed": "Sync rules changed",
    "notifications.changed": "Notifications changed",
    "organisation.changed": "Organisation Settings changed",
    "organisation.plan_changed": "Plan changed",
    "people.imported": "People imported",
    "person.created": "Person added",
    "person.updated": "Person edited",
    "person.deactivated": "Person deactivated",
    "person.reactivated": "Person reactivated",
    "person.released": "Status released",
    "person.joined": "Records joined",
    "person.photo_chosen": "Photo chosen",
    "person.photo_removed": "Photo removed",
    "person.set_apart": "Told apart",
    "schedule.changed": "Schedule changed",
    "sql.run": "SQL query run",
    "sql.saved": "SQL query saved",
    "sql.deleted": "SQL query deleted",
    "run.applied": "Held run applied",
    "run.discarded": "Held run discarded",
    "run.undone": "Run undone",
}

# a list's Settings, and its fields

TAB_SETTINGS = "Settings"
DETAILS = "Details"
LIST_FACTS = "UID field: {uid} · Number: {id} · Created: {created}"
LIST_RENAMED = "The list is called “{name}” now."
RULES_SAVED = "The rules were saved. They hold from the next sync on."
ARCHIVE_AND_DELETE = "Archive and delete"
ARCHIVE = "Archive"
ARCHIVE_TITLE = "Archive this list"
ARCHIVE_TEXT = "A list that is no longer needed is put away first. From the archive it can be taken out again, or deleted for good."
ARCHIVE_DISCONNECTS = "**Sync stops**: the list is disconnected from its directory."
ARCHIVE_CONSEQUENCES = (
    "It no longer shows among your Master Lists, but in the archive below them.",
    "All people, their history and all runs stay, and can be looked at and exported.",
    "It can be taken out of the archive at any time.",
)
ARCHIVED_SINCE = "**This list is in the archive**, since {when}. It is not synced."
ARCHIVED_LISTS = "Archive"
ARCHIVED_NOT_SYNCED = "This list is in the archive. Take it out before you connect it again."
PUT_AWAY = "put away {ago}"
LIST_ARCHIVED = "“{name}” was put into the archive."
LIST_REINSTATED = "“{name}” is in use again. To sync it, connect it under Configure Sync."
REINSTATE = "Take out of the archive"
DELETE_LIST = "Delete for good"
DELETE_TEXT = "Deleting takes the list away with all people, runs and history. Only the audit log keeps that it was there."
DELETE_CONSEQUENCES = "**{people}** of “{name}”, their history and all runs are deleted. This cannot be undone. Export the list or make a backup first."
TYPE_NAME = "Type the list’s name to confirm: {name}"
LIST_DELETED = "“{name}” was deleted."
CHANGE_FIELD = "Change field"
CHANGE_FIELD_HINT = "Select a field to change it."
FIELD_CHANGED = "The field “{label}” was changed."
FIELD_TYPE_FIXED_UID = "The type of the UID field stays."
FIELD_TYPE_FIXED_MAPPED = "The directory feeds this field, so its type stays. Take it out of the mapping under Configure Sync first."

# previews, and the wizard's dry run

DRY_RUN = "What the first sync would do"
DRY_RUN_TEXT = "Reads everybody in the scope and compares them with this list. Nothing is saved."
DRY_RUN_START = "Work it out"
DRY_RUN_AGAIN = "Work it out again"
DRY_RUN_HELD = "The sync would be held for your decision."
DRY_RUN_FIRST = "The first {count} are shown."
IMPORT_WITH_DATA = "Import fields with data ({count})"
IMPORT_WITH_DATA_HELP = "Makes a field for each directory field that has a value in the sample and is not mapped yet, and maps it."
IMPORT_ALL = "Import all fields ({count})"
IMPORT_ALL_HELP = (
    "Makes and maps a field for every directory field that is not mapped yet, with or without values."
)
APPLY_ONE = "Apply"
PREVIEW = "Preview"
PREVIEW_HELP = "Works out what this sync would do, person by person, and changes nothing."
PREVIEW_TITLE = "What this sync would do"

# the Sync tab's charts and configuration

ACTIVITY_BY = "One bar for each"
ACTIVITY_UNITS = {"": "Automatic", "run": "Run", "day": "Day", "week": "Week", "month": "Month"}
ACTIVE_OVER_TIME = "Active people over time"
ACTIVE_ALT = "Active people since {since}: {active} now"
CONFIGURATION = "Configuration and field mappings ({count})"
FIELD_MAPPINGS = "Field mappings"
GRAPH_NAME = "In Microsoft Graph"
RULES_IN_WORDS = (
    "A sync is held when it would deactivate {leavers} people or more and above {leavers_share} %, or blank a field of {blanks} "
    "or more and above {blanks_share} %. When a UID changes: {policy}"
)

# what an IT administrator has to do

ASK_IT = "What to ask your IT administrator for"
ASK_IT_TEXT = "Copy this and send it to whoever administers Microsoft Entra ID at your organisation."
ASK_IT_MESSAGE = """Please register an app in Microsoft Entra ID, so that CaptrID Directory Sync can read our people.

1. Entra admin centre > Identity > Applications > App registrations > New registration.
   Name: CaptrID Directory Sync. Accounts in this organisational directory only. No redirect URI.
2. API permissions > Add a permission > Microsoft Graph > Application permissions:
   - User.Read.All (reads people)
   - GroupMember.Read.All (reads groups and who is in them)
   Then choose "Grant admin consent". Nothing else is needed; it never writes to the directory.
3. Certificates & secrets > New client secret. Copy its Value at once, not its Secret ID.

Please send me, by a safe way:
   - Directory (tenant) ID
   - Application (client) ID
   - the client secret's Value, and the date on which it expires"""
PLAN_USE = "{plan} plan: {used} of {allowed}"
PLAN_USE_ANY = "{plan} plan: {used}, any number"

# what needs attention

MATTER_WORDS = {
    "never_synced": "**{name}** has not been synced yet.",
    "held": "**{name}**: a sync waits for your decision. {message}",
    "failed": "**{name}**: the last sync failed. {message}",
    "stale": "**{name}** is stale: the last good sync was {ago}, and it should have been synced again since.",
    "skipped": "**{name}**: the last sync skipped {people}, because their UID is missing or not theirs alone.",
    "connection_failed": "**{name}**: the last test of this connection failed. {message}",
    "secret_expiring": "**{name}**: the client secret expires in {days}.",
    "secret_expired": "**{name}**: the client secret has expired.",
}
MATTER_LINKS = {
    "never_synced": "Sync it",
    "held": "Review",
    "failed": "See what went wrong",
    "stale": "Sync it",
    "skipped": "See who and why",
    "connection_failed": "Put it right",
    "secret_expiring": "Enter a new secret",
    "secret_expired": "Enter a new secret",
}

# schedules

SCHEDULE = "Schedule"
CHANGE_SCHEDULE = "Change"
NO_SCHEDULE = "This list is synced by hand alone."
SCHEDULE_OFF = "Off: by hand alone"
SCHEDULE_CRON = "By a cron expression"
CRON = "Cron expression"
CRON_HELP = "Minute, hour, day of the month, month, day of the week. 30 6 * * 1-5 is 6:30 on weekdays."
EVERY_HOURS = "Every {hours} hours"
BY_CRON = "`{cron}` ({zone})"
SCHEDULE_FACTS = "{rhythm} · {kind} · next **{due}**"
SCHEDULE_HELD = "A held sync waits for your decision. Until then the schedule does not start another."
SCHEDULE_FAILED = "The scheduled sync failed {times} in a row. It is tried again before the next due time."
SCHEDULE_DELTA_TEXT = "Only what changed. Becomes a Full Sync by itself where a delta is not possible."
SCHEDULE_SAVED = "The schedule was saved."
SCHEDULE_TAKEN_AWAY = "This list is synced by hand alone now."
NEXT_TIMES = "Next, in your time zone: {times}. Due syncs run while the dashboard’s server is up, or by `captrid sync --due`."
STALE_LIST = "This list is stale: it should have been synced {ago}, and no good sync has come since."

# Organisation Settings

ORGANISATION_SETTINGS = "Organisation Settings"
GENERAL = "General"
ORGANISATION_NAME = "Name of the organisation"
TIME_ZONE = "Time zone"
TIME_ZONE_HELP = "Schedules by cron expressions count in it."
GRACE = "Hours after which a missed sync makes a list stale"
GRACE_HELP = "Counted from the time at which a scheduled list should have been synced."
PLAN = "Plan"
PLAN_ANY = "any number of directory connections"
PLAN_NUMBERS = {0: "no directory connections", 1: "1 directory connection"}
PLAN_SOME = "{allowed} directory connections"
NEW_LISTS = "New Master Lists begin with"
NEW_LISTS_TEXT = "Each list can be set otherwise."
NOTIFICATIONS = "Notifications"
NOTIFICATIONS_TEXT = (
    "Sent once when a sync fails or is held, when a list becomes stale, when a connection fails and 30, 14, 7 and 1 days before a "
    "secret expires; and once more when it works again."
)
CHANNEL = "By"
CHANNEL_WORDS = {"webhook": "Webhook", "email": "E-mail"}
CHANNEL_ON = "on"
CHANNEL_OFF = "off"
WEBHOOK_TEXT = "Posts JSON to an address, such as that of a chat or of a ticket system."
WEBHOOK_URL = "Address"
WEBHOOK_SECRET = "Signing secret (optional)"
EMAIL_TEXT = "Sends e-mail through your mail server."
SMTP_HOST = "Mail server"
SMTP_PORT = "Port"
SMTP_SECURITY = "Encryption"
SECURITY_NONE = "None"
SMTP_USER = "User name (optional)"
SMTP_PASSWORD = "Password"
MAIL_FROM = "From"
MAIL_TO = "To"
MAIL_TO_HELP = "Several addresses are separated by commas."
SEND_TEST = "Send test"
SENDING = "Sending…"
TEST_SENT = "The test was accepted."
SWITCH_OFF = "Switch off"
SWITCHED_OFF = "It is off, and its secret is forgotten."
SETTINGS_SAVED = "The settings were saved."
SENT = "Latest notifications"
SENT_YES = "sent"
SENT_NOT = "not sent: {error}"
SENT_WAITING = "waiting"

# why somebody is, or is not, in a list

WHY = "Why?"
WHY_HELP = "Why is this person (not) in my list?"
WHY_TITLE = "Why is this person (not) in my list?"
WHY_WHO = "Who?"
WHY_WHO_PLACEHOLDER = "A name, mail address or UID"
WHY_ASK = "Find out"
WHY_ASKING = "Asking the directory…"
WHY_NOBODY = "Say whom you mean."
WHY_SEVERAL = "Several people fit “{who}”. Whom do you mean?"
WHY_THIS_ONE = "This one"
WHY_VALUES = "Why is each value what it is?"
WHY_VALUES_TEXT = "Where each value comes from, what the directory has now, and when it was last set."
WHY_VALUES_ASK = "Ask the directory"
WHY_VALUE = "Why"
WHY_SET = "Last set"
VALUE = "Value"

# duplicates

TAB_DUPLICATES = "Duplicates"
DUPLICATES_INTRO = "People whose values are alike, whatever their upper and lower case, accents and spaces. Nothing is joined without you."
DUPLICATES_NO_FIELD = "This list has no text field beside its UID to compare people by."
DUPLICATES_BY = "Compare by"
DUPLICATES_ACROSS = "Across all Master Lists"
DUPLICATES_FOUND = "{count} possible duplicates"
NO_DUPLICATES = "Nobody is alike by this field."
JOIN_THEM = "Same person: join"
NOT_SAME = "Not the same"
SET_APART = "They will not be shown together again."
ORIGIN = "Origin"

# photos

PHOTO = "Photo"
PHOTO_FROM_DIRECTORY = "From the directory, {when}"
PHOTO_BY_STAFF = "Chosen here, {when}. The directory never replaces it."
PHOTO_CHOOSE = "Choose a picture"
PHOTO_SAVE = "Use this picture"
PHOTO_REMOVE = "Remove photo"
PHOTO_SAVED = "The photo was saved."
PHOTO_REMOVED = "The photo was removed."
PHOTOS = "Photos"
PHOTOS_FROM_DIRECTORY = "Take photos from the directory for people who have none"
PHOTOS_HELP = "Asked for after each sync. A photo that was chosen here is never replaced."
PHOTOS_ON = "Photos come with the next sync."
PHOTOS_OFF = "Photos are no longer asked for; those that are there stay."
# The sandbox directory of a demo

SANDBOX = "Sandbox directory"
SANDBOX_INTRO = (
    "The directory of this demo is made up. Let it change or misbehave, start a sync, and see what comes of it. "
    "Nothing here can reach a real directory."
)
SANDBOX_ONLY_IN_DEMO = "There is a sandbox directory in the demo alone: start it with `captrid demo`."
SANDBOX_HOLDS = "It holds **{users}** and **{groups}**."
SANDBOX_NORMAL = "It behaves normally."
SANDBOX_TROUBLE_ON = "It misbehaves:"
SANDBOX_SO_FAR = "spoilt so far"
SANDBOX_OVER = "it has worn off"
BACK_TO_NORMAL = "Back to normal"
SANDBOX_SYNC = "Sync “{list}”"
SANDBOX_CHANGES = "Let it change"
SANDBOX_CHANGES_TEXT = "Each button changes the directory at once. The lists follow with their next sync. When the demo ends, the directory forgets it all."
MOVE_WORDS = {
    "join": ("Somebody joins", "The next sync creates one person."),
    "leave": (
        "Somebody leaves",
        "The account goes to the recycle bin. The next sync deactivates one person and says why.",
    ),
    "rename": (
        "Somebody is renamed",
        "A double surname. The next sync updates one person; their history keeps the old name.",
    ),
    "department": ("Somebody moves", "Another department, and its groups. The next sync updates one person."),
    "disable": (
        "Somebody is disabled",
        "Sign-in is blocked. A list that excludes disabled accounts deactivates them; any other list is left as it is.",
    ),
    "delete": (
        "Somebody is deleted",
        "For good, past the recycle bin. The next sync deactivates one person and says so.",
    ),
    "turnover": (
        "5 % turnover",
        "Some join, leave, move and are renamed. One sync brings it all, and can be undone.",
    ),
    "exodus": (
        "A fifth leaves",
        "More than the list’s guards let pass: the next sync is held, and nobody is deactivated before you decide.",
    ),
}
SANDBOX_GROUP = "A list’s group"
SANDBOX_HALVE = "Take out half of it"
SANDBOX_HALVE_TEXT = "Half of its direct members leave the group. The next sync of a list on it is held for your decision, unless the group is tiny."
SANDBOX_NO_GROUP = "Once a list is fed by a group, half of that group can be taken out here."
SANDBOX_DONE = "Done: {names}."
SANDBOX_OTHERS = "{count:,} more"
SANDBOX_NOBODY = "Nobody is left whom this could happen to."
SANDBOX_TROUBLES = "Let it misbehave"
SANDBOX_TROUBLES_TEXT = "One thing at a time: the next button takes the place of the one before."
SANDBOX_TROUBLE_SET = "From now on: {trouble}."
TROUBLE_WORDS = {
    "throttle": (
        "Throttled",
        "Four requests are told to wait 2 seconds. The sync waits, says so, and succeeds.",
    ),
    "unavailable": (
        "Server errors",
        "Every other request fails with 503. The sync tries again, and succeeds.",
    ),
    "secret_expired": (
        "Secret expired",
        "Sign-in is refused. The sync fails, changes nothing, and says what to renew.",
    ),
    "error": (
        "Permission withdrawn",
        "Every request is denied. The sync fails, changes nothing, and names the permission.",
    ),
    "empty_members": (
        "Nobody there",
        "Lists of people come back empty. The sync is held: nobody is deactivated before you decide.",
    ),
    "omit": (
        "People left out",
        "Each page lacks three people. They are looked up one by one, found, and stay Active; the sync is held.",
    ),
    "drop_last_page": (
        "A page lost",
        "Where there are several pages (of 999 accounts), the last never comes. The sync notices that people are missing, and fails.",
    ),
    "truncated_json": (
        "Garbled answers",
        "Two answers break off in the middle. The sync asks again, and succeeds.",
    ),
    "html_page": (
        "A web page instead",
        "As a network’s filter would send it. The sync fails and says what stands in between.",
    ),
    "expire_delta": (
        "Changes forgotten",
        "The directory no longer knows where a delta goes on. The sync becomes a full one.",
    ),
}

# SQL

SQL = "SQL"
SQL_INTRO = "Ask about people, runs and changes in DuckDB’s SQL. Nothing can be changed here."
SQL_STATEMENT = "Statement"
SQL_RUN = "Run"
SQL_RUN_HELP = "Ctrl+Enter runs the statement, too."
SQL_EXAMPLES = "Examples"
SQL_SAVED = "Saved queries"
SQL_ASKED = "Asked by you"
SQL_CHOOSE = "Choose"
SQL_EXAMPLE_WORDS = {
    "new_starters": "New starters this month",
    "leavers": "Leavers of the last year, by department",
    "without_value": "People who lack a value",
    "fields_that_change": "Fields that change most",
    "changed_twice": "Who changed twice",
}
SQL_RUNNING = "Running for {seconds:.0f} s; it is ended after {limit:.0f} s."
SQL_CANCEL = "Cancel"
SQL_FOUND = "**{rows}** in {seconds:.2f} s"
SQL_TRUNCATED = "Only the first {rows} are shown and exported."
SQL_AS_OF = "Correct as of {when}."
SQL_NOTHING = "No row fits."
SQL_TAB_TABLE = "Table"
SQL_TAB_CHART = "Chart"
SQL_RESULT = "Result of the query"
SQL_CHART_X = "Across"
SQL_CHART_Y = "Up"
SQL_CHART_KIND = "Kind of chart"
SQL_CHART_KINDS = {"bar": "Bars", "line": "Line", "point": "Points"}
SQL_CHART_NEEDS = "A chart needs a column of numbers and another column."
SQL_EXPORTS = {".csv": "CSV", ".xlsx": "Excel", ".parquet": "Parquet"}
SQL_SAVE = "Save"
SQL_SAVE_NAME = "Name"
SQL_SAVE_REPLACE = "Replace the query of that name"
SQL_SAVE_HELP = "Saved queries are shared: everybody here sees them, each by a link of its own."
SQL_WAS_SAVED = "“{name}” was saved."
SQL_DELETE_SAVED = "Delete “{name}”"
SQL_WAS_DELETED = "“{name}” was deleted."
SQL_TABLES = "What there is"
SQL_TABLE = "Table or list"
SQL_COLUMN = "Column"
SQL_COLUMN_TYPE = "Type"
SQL_COLUMN_ABOUT = "What it is"
SQL_COLUMNS_OF = "Columns of {name}"
SQL_TOOLS = "Use your own tools"
SQL_TOOLS_TEXT = "The published file is a DuckDB database. It is replaced as a whole soon after a change: open it for reading, and open it anew to see news."
SQL_TOOL_WORDS = {
    "cli": "DuckDB’s command line",
    "pandas": "Python with pandas",
    "captrid": "On this machine",
}
