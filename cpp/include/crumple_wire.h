/* crumple_wire.h: the messages between Crumple and a rig, for rigs in C11 or C++.
 *
 * One header, nothing to link, no allocation, no clock, no socket: bytes in, bytes out. Put it beside your code, or
 * find it with `python -c "import crumple.live as l; print(l.include_dir())"`. docs/wire.md explains the messages;
 * scenes/rigs/controller.c is a rig that uses all of this.
 *
 *   offset size field            |
 *   0      4    magic            | "CRMP"
 *   4      1    version          | 1
 *   5      1    type             | enum crumple_type
 *   6      2    flags            | CRUMPLE_SAFE, _FINAL, _PAUSED, _RESENT; others are refused
 *   8      8    session          | random, not 0; another after each start of the sender
 *   16     8    sequence         | from 1, + 1 a message of the type and session, below 2^53; HELLO, READY: 0
 *   24     8    simulated time   | [ns], signed; CRUMPLE_TIME_UNKNOWN
 *   32     8    source time      | [ns], signed; the sender's CLOCK_MONOTONIC when it made the message
 *   40     8    echoed sequence  | of the last SAMPLE that the OUTPUT answers, below 2^53; 0: none
 *   48     8    echoed time      | [ns], signed; source time of that SAMPLE
 *   56     8    layout           | FNV-1a 64 of the lines "name kind si\n" of the sender's channels
 *   64     8 n  values           | n doubles, finite; HELLO and READY have none, BYE may have
 *
 * All little-endian, whatever the machine is; a frame has exactly 64 + 8 n bytes.
 *
 * What comes in is checked before any of it is used. Functions that can refuse return a crumple_reason, CRUMPLE_OK
 * being 0, and then leave their results as they were.
 */
#ifndef CRUMPLE_WIRE_H
#define CRUMPLE_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CRUMPLE_VERSION 1
#define CRUMPLE_HEADER_SIZE 64u
#define CRUMPLE_FRAME_SIZE(n) (CRUMPLE_HEADER_SIZE + 8u * (n)) /* [bytes] of a message with n values */
#define CRUMPLE_EXACT ((uint64_t)1 << 53)                      /* sequences stay below, integers within */
#define CRUMPLE_TIME_UNKNOWN INT64_MIN                         /* simulated time that nobody knows */
#define CRUMPLE_REMEMBERED 64                                  /* earlier sessions that a tracker knows */

typedef enum crumple_type {
    CRUMPLE_SAMPLE = 1, /* values from the rig */
    CRUMPLE_OUTPUT = 2, /* values from the core */
    CRUMPLE_HELLO = 3,  /* the rig: here I am, and this is my layout */
    CRUMPLE_READY = 4,  /* the core: so am I, and your layout fits */
    CRUMPLE_BYE = 5     /* either: nothing more will come */
} crumple_type;

#define CRUMPLE_SAFE 1u   /* the values are the safe ones */
#define CRUMPLE_FINAL 2u  /* the run is over */
#define CRUMPLE_PAUSED 4u /* the run is halted, and may go on */
#define CRUMPLE_RESENT 8u /* sent before, with the same sequence */

/* Why a message is refused: what decoding finds, in the order in which it looks, then what a tracker finds. */
typedef enum crumple_reason {
    CRUMPLE_OK = 0,
    CRUMPLE_BAD_SHORT,     /* less than a header */
    CRUMPLE_BAD_MAGIC,     /* no message of Crumple */
    CRUMPLE_BAD_VERSION,   /* of another version of this format */
    CRUMPLE_BAD_TYPE,      /* none of crumple_type */
    CRUMPLE_BAD_FLAGS,     /* flags that do not exist */
    CRUMPLE_BAD_SESSION,   /* 0 */
    CRUMPLE_BAD_SEQUENCE,  /* out of range for the type */
    CRUMPLE_BAD_LAYOUT,    /* the sender has other channels */
    CRUMPLE_BAD_LENGTH,    /* not 64 + 8 n bytes */
    CRUMPLE_BAD_VALUE,     /* not finite, or nothing that its kind can be */
    CRUMPLE_OLD_SESSION,   /* another session has come since, or the session is over */
    CRUMPLE_DUPLICATE,     /* the last sequence once more */
    CRUMPLE_REORDERED,     /* an earlier sequence */
    CRUMPLE_TIME_REVERSAL, /* a later sequence with an earlier time */
    CRUMPLE_REASONS        /* how many there are */
} crumple_reason;

typedef enum crumple_kind { CRUMPLE_REAL, CRUMPLE_INTEGER, CRUMPLE_BOOLEAN } crumple_kind;

/* A number of a message: all three must be as the scene has them. */
typedef struct crumple_channel {
    const char* name;  /* without spaces */
    crumple_kind kind; /* integer: whole and within 2^53; boolean: 0 or 1 */
    const char* si;    /* unit of measure, such as "m/s^2"; "1" where there is none */
} crumple_channel;

typedef struct crumple_layout {
    const crumple_channel* channels; /* (n), in the order of the values; must outlive the layout */
    size_t n;
    uint64_t hash;
} crumple_layout;

typedef struct crumple_header {
    crumple_type type;
    uint16_t flags;
    uint64_t session;
    uint64_t sequence;
    int64_t sim_ns; /* CRUMPLE_TIME_UNKNOWN where it is */
    int64_t source_ns;
    uint64_t echo_sequence;
    int64_t echo_ns;
} crumple_header;

/* -- bytes: the same on every machine ------------------------------------------------------------------------- */

/* C has no fixed size for double; all machines that matter have this one. */
typedef char crumple_double_has_8_bytes[sizeof(double) == 8 ? 1 : -1];

static inline void crumple_put(uint8_t* to, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) to[i] = (uint8_t)(value >> (8 * i) & 0xFFu);
}

static inline uint64_t crumple_get(const uint8_t* from, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static inline int64_t crumple_signed(uint64_t bits) {
    int64_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline double crumple_double(const uint8_t* from) {
    const uint64_t bits = crumple_get(from, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void crumple_put_double(uint8_t* to, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    crumple_put(to, bits, 8);
}

/* -- layout ---------------------------------------------------------------------------------------------------- */

static inline uint64_t crumple_fnv1a(uint64_t hash, const char* text) {
    for (; *text != '\0'; ++text) hash = (hash ^ (uint8_t)*text) * 0x100000001B3u;
    return hash;
}

/* The layout of n channels. `channels` is kept, not copied. */
static inline crumple_layout crumple_layout_of(const crumple_channel* channels, size_t n) {
    static const char* const kinds[] = {" real ", " integer ", " boolean "};
    crumple_layout layout;
    layout.channels = channels;
    layout.n = n;
    layout.hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; ++i) {
        layout.hash = crumple_fnv1a(layout.hash, channels[i].name);
        layout.hash = crumple_fnv1a(layout.hash, kinds[channels[i].kind]);
        layout.hash = crumple_fnv1a(layout.hash, channels[i].si);
        layout.hash = crumple_fnv1a(layout.hash, "\n");
    }
    return layout;
}

/* Whether a channel of this kind may have this value. */
static inline int crumple_is_valid(crumple_kind kind, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits >> 52 & 0x7FFu) == 0x7FFu) return 0; /* infinite, or not a number */
    if (kind == CRUMPLE_BOOLEAN) return value == 0.0 || value == 1.0;
    if (kind == CRUMPLE_INTEGER) {
        if (value > (double)CRUMPLE_EXACT || value < -(double)CRUMPLE_EXACT) return 0;
        return (double)(int64_t)value == value;
    }
    return 1;
}

/* -- encode and decode ------------------------------------------------------------------------------------------- */

static inline int crumple_has_values(crumple_type type) { return type != CRUMPLE_HELLO && type != CRUMPLE_READY; }

static inline crumple_reason crumple_check_header(unsigned type, uint16_t flags, uint64_t session, uint64_t sequence,
                                                  uint64_t echo_sequence) {
    if (type < CRUMPLE_SAMPLE || type > CRUMPLE_BYE) return CRUMPLE_BAD_TYPE;
    if ((flags & ~(CRUMPLE_SAFE | CRUMPLE_FINAL | CRUMPLE_PAUSED | CRUMPLE_RESENT)) != 0) return CRUMPLE_BAD_FLAGS;
    if (session == 0) return CRUMPLE_BAD_SESSION;
    if (sequence >= CRUMPLE_EXACT || echo_sequence >= CRUMPLE_EXACT) return CRUMPLE_BAD_SEQUENCE;
    if (type == CRUMPLE_OUTPUT) return CRUMPLE_OK; /* in lockstep the first one has 0 */
    return (sequence == 0) == (type == CRUMPLE_HELLO || type == CRUMPLE_READY) ? CRUMPLE_OK : CRUMPLE_BAD_SEQUENCE;
}

/* Writes a message of `layout` into `frame`, which has room for `capacity` bytes; *length says how many it took.
 * values: (layout->n); not read for HELLO and READY; NULL for a BYE without. CRUMPLE_BAD_LENGTH: there is not enough
 * room, or there are no values. */
static inline crumple_reason crumple_encode(const crumple_header* header, const crumple_layout* layout,
                                            const double* values, uint8_t* frame, size_t capacity, size_t* length) {
    const crumple_reason fault = crumple_check_header((unsigned)header->type, header->flags, header->session,
                                                      header->sequence, header->echo_sequence);
    if (fault != CRUMPLE_OK) return fault;
    const size_t n = crumple_has_values(header->type) && (values || header->type != CRUMPLE_BYE) ? layout->n : 0;
    if (n > 0 && values == NULL) return CRUMPLE_BAD_LENGTH;
    if (capacity < CRUMPLE_FRAME_SIZE(n)) return CRUMPLE_BAD_LENGTH;
    for (size_t i = 0; i < n; ++i) {
        if (!crumple_is_valid(layout->channels[i].kind, values[i])) return CRUMPLE_BAD_VALUE;
    }
    memcpy(frame, "CRMP", 4);
    frame[4] = CRUMPLE_VERSION;
    frame[5] = (uint8_t)header->type;
    crumple_put(frame + 6, header->flags, 2);
    crumple_put(frame + 8, header->session, 8);
    crumple_put(frame + 16, header->sequence, 8);
    crumple_put(frame + 24, (uint64_t)header->sim_ns, 8);
    crumple_put(frame + 32, (uint64_t)header->source_ns, 8);
    crumple_put(frame + 40, header->echo_sequence, 8);
    crumple_put(frame + 48, (uint64_t)header->echo_ns, 8);
    crumple_put(frame + 56, layout->hash, 8);
    for (size_t i = 0; i < n; ++i) crumple_put_double(frame + CRUMPLE_HEADER_SIZE + 8 * i, values[i]);
    *length = CRUMPLE_FRAME_SIZE(n);
    return CRUMPLE_OK;
}

/* Reads a frame of `length` bytes from a sender that should have this layout.
 * values: (layout->n), left alone by a message without; NULL: they are only checked. */
static inline crumple_reason crumple_decode(const uint8_t* frame, size_t length, const crumple_layout* layout,
                                            crumple_header* header, double* values) {
    if (length < CRUMPLE_HEADER_SIZE) return CRUMPLE_BAD_SHORT;
    if (memcmp(frame, "CRMP", 4) != 0) return CRUMPLE_BAD_MAGIC;
    if (frame[4] != CRUMPLE_VERSION) return CRUMPLE_BAD_VERSION;
    const unsigned type = frame[5];
    const uint16_t flags = (uint16_t)crumple_get(frame + 6, 2);
    const uint64_t session = crumple_get(frame + 8, 8), sequence = crumple_get(frame + 16, 8);
    const uint64_t echo_sequence = crumple_get(frame + 40, 8);
    const crumple_reason fault = crumple_check_header(type, flags, session, sequence, echo_sequence);
    if (fault != CRUMPLE_OK) return fault;
    if (crumple_get(frame + 56, 8) != layout->hash) return CRUMPLE_BAD_LAYOUT;
    size_t n = crumple_has_values((crumple_type)type) ? layout->n : 0;
    if (type == CRUMPLE_BYE && length == CRUMPLE_HEADER_SIZE) n = 0;
    if (length != CRUMPLE_FRAME_SIZE(n)) return CRUMPLE_BAD_LENGTH;
    const uint8_t* from = frame + CRUMPLE_HEADER_SIZE;
    for (size_t i = 0; i < n; ++i) {
        if (!crumple_is_valid(layout->channels[i].kind, crumple_double(from + 8 * i))) return CRUMPLE_BAD_VALUE;
    }
    for (size_t i = 0; i < n && values != NULL; ++i) values[i] = crumple_double(from + 8 * i);
    header->type = (crumple_type)type;
    header->flags = flags;
    header->session = session;
    header->sequence = sequence;
    header->sim_ns = crumple_signed(crumple_get(frame + 24, 8));
    header->source_ns = crumple_signed(crumple_get(frame + 32, 8));
    header->echo_sequence = echo_sequence;
    header->echo_ns = crumple_signed(crumple_get(frame + 48, 8));
    return CRUMPLE_OK;
}

/* The word of a reason, as Crumple's own reports have it. */
static inline const char* crumple_reason_word(crumple_reason reason) {
    static const char* const words[] = {"ok",    "short",       "magic",     "version",   "type",
                                        "flags", "session",     "sequence",  "layout",    "length",
                                        "value", "old_session", "duplicate", "reordered", "time_reversal"};
    return (unsigned)reason < CRUMPLE_REASONS ? words[reason] : "?";
}

/* A session's number from anything that differs between two starts, such as the clock [ns] and the process's number:
 * crumple_session_of((uint64_t)now_ns ^ (uint64_t)getpid() << 40). Never 0. */
static inline uint64_t crumple_session_of(uint64_t seed) {
    uint64_t mixed = seed + 0x9E3779B97F4A7C15u; /* splitmix64: every bit of the seed reaches every bit */
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    mixed ^= mixed >> 31;
    return mixed != 0 ? mixed : 1;
}

/* -- tracker: what one sender's messages of one type say of each other ------------------------------------------- */

/* All zeros at the start: crumple_tracker t = {0}; in C++ crumple_tracker t{}; */
typedef struct crumple_tracker {
    uint64_t session;  /* that is followed; 0: none */
    uint64_t sequence; /* of the last accepted message */
    uint64_t accepted;
    uint64_t lost; /* sequences that never came */
    uint64_t duplicates;
    uint64_t reordered;
    uint64_t time_reversals;
    uint64_t old_sessions;
    uint64_t restarts; /* sessions after the first */
    int64_t sim_ns;    /* the last one known */
    int64_t source_ns;
    uint64_t sessions; /* how many there were */
    uint64_t earlier[CRUMPLE_REMEMBERED];
    uint64_t ended; /* how many went into `earlier`, which begins anew when it is full */
} crumple_tracker;

/* Whether this session is over: another came after it, or it was ended. */
static inline int crumple_is_earlier(const crumple_tracker* tracker, uint64_t session) {
    for (unsigned i = 0; i < CRUMPLE_REMEMBERED; ++i) {
        if (session != 0 && tracker->earlier[i] == session) return 1;
    }
    return 0;
}

/* The session that is followed is over: more of its messages would be of an earlier session. */
static inline void crumple_tracker_end(crumple_tracker* tracker) {
    if (tracker->session != 0) tracker->earlier[tracker->ended++ % CRUMPLE_REMEMBERED] = tracker->session;
    tracker->session = 0;
}

/* Judges a SAMPLE or an OUTPUT. What is refused changes nothing but its count. The first message of a session makes
 * no gap, for nobody knows what the sender sent before. */
static inline crumple_reason crumple_tracker_follow(crumple_tracker* tracker, const crumple_header* header) {
    if (header->session == tracker->session) {
        if (header->sequence == tracker->sequence) {
            ++tracker->duplicates;
            return CRUMPLE_DUPLICATE;
        }
        if (header->sequence < tracker->sequence) {
            ++tracker->reordered;
            return CRUMPLE_REORDERED;
        }
        const int known = header->sim_ns != CRUMPLE_TIME_UNKNOWN && tracker->sim_ns != CRUMPLE_TIME_UNKNOWN;
        if ((known && header->sim_ns < tracker->sim_ns) || header->source_ns < tracker->source_ns) {
            ++tracker->time_reversals;
            return CRUMPLE_TIME_REVERSAL;
        }
        tracker->lost += header->sequence - tracker->sequence - 1;
    } else if (crumple_is_earlier(tracker, header->session)) {
        ++tracker->old_sessions;
        return CRUMPLE_OLD_SESSION;
    } else {
        crumple_tracker_end(tracker);
        tracker->session = header->session;
        if (tracker->sessions++ > 0) ++tracker->restarts;
        tracker->sim_ns = CRUMPLE_TIME_UNKNOWN;
    }
    ++tracker->accepted;
    tracker->sequence = header->sequence;
    tracker->source_ns = header->source_ns;
    if (header->sim_ns != CRUMPLE_TIME_UNKNOWN) tracker->sim_ns = header->sim_ns;
    return CRUMPLE_OK;
}

/* -- watchdog: outputs while they come, the safe values in every other case --------------------------------------- */

typedef enum crumple_state {
    CRUMPLE_LIVE,    /* an output arrived within the time-out: its values hold */
    CRUMPLE_IS_SAFE, /* so it did, and it says SAFE or PAUSED */
    CRUMPLE_SILENT,  /* none arrived within the time-out, or ever */
    CRUMPLE_ENDED    /* the run said that it is over; another session brings it back */
} crumple_state;

typedef struct crumple_watchdog {
    int64_t timeout_ns;
    int64_t arrival_ns; /* of the last accepted output */
    crumple_tracker tracker;
    uint64_t refused[CRUMPLE_REASONS]; /* messages by reason; they keep nothing alive */
    uint16_t flags;                    /* of the last accepted output */
    uint8_t heard;                     /* there was one */
    uint8_t over;
} crumple_watchdog;

/* timeout_ns: silence [ns] after which the safe values hold. */
static inline void crumple_watchdog_start(crumple_watchdog* watchdog, int64_t timeout_ns) {
    memset(watchdog, 0, sizeof *watchdog);
    watchdog->timeout_ns = timeout_ns;
}

/* Takes a frame that arrived at `now_ns`, of one monotonic clock. CRUMPLE_OK: it was accepted, and *header tells what
 * it is; `values` (layout->n) are written by an OUTPUT only. What they are worth, crumple_watchdog_state says. */
static inline crumple_reason crumple_watchdog_offer(crumple_watchdog* watchdog, const crumple_layout* layout,
                                                    const uint8_t* frame, size_t length, int64_t now_ns,
                                                    crumple_header* header, double* values) {
    crumple_tracker* tracker = &watchdog->tracker;
    crumple_reason reason = crumple_decode(frame, length, layout, header, NULL);
    if (reason == CRUMPLE_OK) {
        /* said before, by the last outputs */
        if (header->type == CRUMPLE_BYE && watchdog->over && tracker->session == 0) return CRUMPLE_OK;
        if (crumple_is_earlier(tracker, header->session)) {
            ++tracker->old_sessions;
            reason = CRUMPLE_OLD_SESSION;
        } else if (header->type == CRUMPLE_BYE) {
            /* a stranger's good-bye ends nothing: a run that is followed ends itself, or goes silent */
            if (tracker->session == 0 || tracker->session == header->session) {
                tracker->session = header->session;
                crumple_tracker_end(tracker);
                watchdog->over = 1;
            }
            return CRUMPLE_OK;
        } else if (header->type != CRUMPLE_OUTPUT) {
            return CRUMPLE_OK; /* a greeting: of no consequence, and no sign of life either */
        } else {
            reason = crumple_tracker_follow(tracker, header);
        }
    }
    if (reason != CRUMPLE_OK) {
        ++watchdog->refused[reason];
        return reason;
    }
    for (size_t i = 0; i < layout->n; ++i) values[i] = crumple_double(frame + CRUMPLE_HEADER_SIZE + 8 * i);
    watchdog->arrival_ns = now_ns;
    watchdog->flags = header->flags;
    watchdog->heard = 1;
    watchdog->over = (header->flags & CRUMPLE_FINAL) != 0;
    if (watchdog->over) crumple_tracker_end(tracker);
    return CRUMPLE_OK;
}

/* What holds at `now_ns`. In all but CRUMPLE_LIVE apply the safe values of your own. */
static inline crumple_state crumple_watchdog_state(const crumple_watchdog* watchdog, int64_t now_ns) {
    if (watchdog->over) return CRUMPLE_ENDED;
    if (!watchdog->heard || now_ns - watchdog->arrival_ns > watchdog->timeout_ns) return CRUMPLE_SILENT;
    return (watchdog->flags & (CRUMPLE_SAFE | CRUMPLE_PAUSED)) != 0 ? CRUMPLE_IS_SAFE : CRUMPLE_LIVE;
}

#ifdef __cplusplus
}
#endif

#endif
