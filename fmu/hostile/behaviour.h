#pragma once
// The behaviours of README.md's table, one function each, and the table itself. A function returns the status that the
// FMI call is to return, where it returns at all.

#include "ends.h"
#include "leaves.h"

// ---- says what is not so --------------------------------------------------------------------------------------------

static int not_a_number(Hostile* h) {
    if (h) h->v.y = NAN;
    return OK;
}

static int infinity(Hostile* h) {
    if (h) h->v.y = INFINITY;
    return OK;
}

static int returns_warning(Hostile* h) { return (void)h, WARNING; }
static int returns_discard(Hostile* h) { return (void)h, DISCARD; }
static int returns_error(Hostile* h) { return (void)h, ERROR; }
static int returns_fatal(Hostile* h) { return (void)h, FATAL; }
static int returns_pending(Hostile* h) { return (void)h, PENDING; }
static int returns_status_99(Hostile* h) { return (void)h, 99; }

static int long_string(Hostile* h) {
    const size_t size = 50 * (size_t)MEGABYTE;
    if (!h || h->oversized || !(h->oversized = malloc(size + 1))) return OK;
    memset(h->oversized, 'x', size);
    h->oversized[size] = 0;
    return OK;
}

// These three are done where the strings and states are given out: it is enough to have been asked for them.
static int later(Hostile* h) { return (void)h, OK; }

// ---- calls the importer ---------------------------------------------------------------------------------------------

static struct {
    void (*logger)(void);
    void* environment;
    int after;  // [us]
} orphan;

static void* log_from_thread(void* unused) {
    usleep((useconds_t)orphan.after);
    say(orphan.logger, orphan.environment, "nobody", OK, "logEvents", "a word from another thread");
    return unused;
}

static int log_thread(Hostile* h) {
    pthread_t one;
    if (!h) return OK;
    orphan.logger = h->logger;
    orphan.environment = h->environment;
    if (!pthread_create(&one, NULL, log_from_thread, NULL)) pthread_join(one, NULL);
    return OK;
}

// A thread that logs when the instance is long gone.
static int log_after_free(Hostile* h) {
    pthread_t one;
    if (!h) return OK;
    orphan.logger = h->logger;
    orphan.environment = h->environment;
    orphan.after = 20000;
    if (!pthread_create(&one, NULL, log_from_thread, NULL)) pthread_detach(one);
    return OK;
}

static int log_null(Hostile* h) {
    if (h) say(h->logger, h->environment, NULL, OK, NULL, NULL);
    return OK;
}

static int log_rubbish(Hostile* h) {
    if (h) say(h->logger, (void*)0xdead, h->name, 4711, "\xff\xfe", "\xff\xfe not UTF-8");
    return OK;
}

static int log_format(Hostile* h) {
    if (h) say(h->logger, h->environment, h->name, OK, "logEvents", "%n%n%n%n%n%n%n%s%s%s%s%s%s%s%n%n%n%n%n%n%n");
    return OK;
}

static int log_long(Hostile* h) {
    if (!h) return OK;
    const int had = long_string(h);
    say(h->logger, h->environment, h->name, OK, "logEvents", h->oversized);
    free(h->oversized);
    h->oversized = NULL;
    return had;
}

static int log_flood(Hostile* h) {
    for (int i = 0; h && i < 100000; ++i) say(h->logger, h->environment, h->name, WARNING, "logEvents", "once more");
    return OK;
}

// ---- the table ------------------------------------------------------------------------------------------------------

static const struct {
    const char* name;
    int (*act)(Hostile* h);  // null instance: at load and unload
    bool again;              // at every step from `at` on, not only once
} behaviours[] = {
    {"segfault", segfault, false},
    {"bus_error", bus_error, false},
    {"illegal_instruction", illegal_instruction, false},
    {"divide_by_zero", divide_by_zero, false},
    {"stack_overflow", stack_overflow, false},
    {"exit", call_exit, false},
    {"_exit", call__exit, false},
    {"quick_exit", call_quick_exit, false},
    {"abort", call_abort, false},
    {"thread_exit", thread_exit, false},
    {"kill_self", kill_self, false},
    {"stop_self", stop_self, false},
    {"kill_parent", kill_parent, false},
    {"kill_parent_thread", kill_parent_thread, false},
    {"kill_parent_limit", kill_parent_limit, false},
    {"kill_parent_owner", kill_parent_owner, false},
    {"kill_group", kill_group, false},
    {"exit_handler", exit_handler, false},
    {"alarm", alarm_clock, false},
    {"hang", hang, false},
    {"busy_loop", busy_loop, false},
    {"late", late, false},
    {"cling", cling, false},
    {"nan", not_a_number, false},
    {"infinity", infinity, false},
    {"warning", returns_warning, false},
    {"discard", returns_discard, false},
    {"error", returns_error, false},
    {"fatal", returns_fatal, false},
    {"pending", returns_pending, false},
    {"status_99", returns_status_99, false},
    {"long_string", long_string, false},
    {"null_string", later, false},
    {"bad_string", later, false},
    {"state_partial", later, false},
    {"state_forgets", later, false},
    {"state_null", later, false},
    {"state_size", later, false},
    {"state_huge", later, false},
    {"flush_to_zero", flush_to_zero, false},
    {"round_up", round_up, false},
    {"traps", traps, false},
    {"chdir", change_folder, false},
    {"umask", change_mask, false},
    {"environment", clear_environment, false},
    {"locale", change_locale, false},
    {"close_files", close_files, false},
    {"write_files", write_files, false},
    {"truncate_files", truncate_files, false},
    {"print", print, false},
    {"litter", litter, false},
    {"big_file", big_file, false},
    {"limits", limits, false},
    {"handlers", handlers, false},
    {"block_signals", block_signals, false},
    {"socket", open_socket, false},
    {"thread", thread, false},
    {"child", child, false},
    {"child_hang", child_hang, false},
    {"sibling", sibling, false},
    {"daemon", daemon_child, false},
    {"children", children, false},
    {"leak", leak, true},
    {"leak_fast", leak_fast, true},
    {"allocate", allocate, false},
    {"scribble", scribble, false},
    {"scribble_start", scribble_start, false},
    {"scribble_thread", scribble_thread, false},
    {"log_thread", log_thread, false},
    {"log_after_free", log_after_free, false},
    {"log_null", log_null, false},
    {"log_rubbish", log_rubbish, false},
    {"log_format", log_format, false},
    {"log_long", log_long, false},
    {"log_flood", log_flood, false},
};
