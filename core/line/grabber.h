/* core/line/grabber.h - hold one grabber as the daemon knows it: a program that gets frames from a camera's
 * driver, posts them, and fires the camera's software trigger for the daemon.
 *
 * The grabber reports every second, and a report's answer brings it the triggers. A trigger is fired at most once:
 * it has a number, which the grabber names in its next report. A trigger that the grabber has not fetched within
 * INSP_TRIGGER_FRESH_US is given up, because a picture of its part can no longer be taken.
 *
 * No protocol, no clock, no lock: each call has the time (monotonic, microseconds). One thread at a time. */
#ifndef INSP_LINE_GRABBER_H
#define INSP_LINE_GRABBER_H

#include "core/base/error.h"
#include "core/base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INSP_GRABBER_GONE_US = 5 * 1000000, /* without a report for longer the grabber has gone */
    INSP_TRIGGER_FRESH_US = 1000000,    /* from the trigger to the grabber */
    INSP_TRIGGER_END_US = 5 * 1000000,  /* from the trigger to the grabber's word that it was fired */
    INSP_TRIGGERS_MAX = 8,              /* of one camera at a time */
    INSP_GRABBER_TAG_BYTES = 129,       /* a part: up to 128 bytes of UTF-8 */
    INSP_GRABBER_TEXT_BYTES = 256,
};

/* Reasons for which the camera takes a picture. */
enum insp_grabber_mode { INSP_GRABBER_FREE, INSP_GRABBER_LINE, INSP_GRABBER_SOFTWARE, INSP_GRABBER_MODES };
/* The camera as its grabber sees it. */
enum insp_grabber_state {
    INSP_GRABBER_CONNECTING, /* the camera is away, for less than the grabber's time limit */
    INSP_GRABBER_CONNECTED,
    INSP_GRABBER_SILENT, /* no frame has come although one was due, or the camera stays away */
    INSP_GRABBER_STATES
};
/* Return the names "free"..., "connecting"...; static. */
const char *insp_grabber_mode_name(enum insp_grabber_mode mode);
const char *insp_grabber_state_name(enum insp_grabber_state state);

struct insp_trigger {
    uint64_t sequence; /* 0: the place is free */
    int64_t at_us;
    bool handed;                       /* the grabber has been sent it */
    char part[INSP_GRABBER_TAG_BYTES]; /* "": the grabber counts its parts */
    void *asker;                       /* the caller's; NULL: none waits */
    bool station;                      /* a PLC waits for the result */
};

/* A report of a grabber. */
struct insp_grabber_report {
    char session[INSP_UUID_BYTES];                                          /* of this run of the grabber */
    char product[INSP_GRABBER_TEXT_BYTES], detail[INSP_GRABBER_TEXT_BYTES]; /* detail: why it is not connected */
    enum insp_grabber_mode mode;
    enum insp_grabber_state state;
    uint64_t frames, verdicts, refused; /* since the start of the session: seen = verdicts + refused + in hand */
    uint64_t after;                     /* number of the last trigger that reached the grabber; 0: none */
};

struct insp_grabber {
    bool waiting; /* a report waits for a trigger: the caller's */

    /* read only */
    struct insp_grabber_report last;
    int64_t seen_us;  /* of the last report */
    int64_t since_us; /* wall: of the state */
    uint64_t fired, failed;
    uint64_t
        sequence; /* of the last trigger; set it to the wall clock at first, so that numbers never come twice */
    struct insp_trigger trigger[INSP_TRIGGERS_MAX];
};

/* Says whether the grabber still reports. */
bool insp_grabber_attached(const struct insp_grabber *grabber, int64_t now_us);

/* Says whether nobody can expect frames of the camera: the grabber has gone, or it says so. */
bool insp_grabber_silent(const struct insp_grabber *grabber, int64_t now_us);

/* Takes a report. Triggers that were handed over but did not arrive are handed over again. Fails with
 * INSP_E_CONFLICT while another session is attached. */
int insp_grabber_take(struct insp_grabber *grabber, const struct insp_grabber_report *report, int64_t now_us,
                      int64_t wall_us, struct insp_error *reterr);

/* Adds a trigger and returns its number. Fails with INSP_E_CAMERA_AWAY (the grabber or its camera is away),
 * INSP_E_CONFLICT (the camera is not triggered by software), INSP_E_QUEUE_FULL (INSP_TRIGGERS_MAX wait). */
int insp_grabber_fire(struct insp_grabber *grabber, const char *part, void *asker, bool station, int64_t now_us,
                      uint64_t *ret, struct insp_error *reterr);

/* Copies the fresh triggers that wait, at most INSP_TRIGGERS_MAX, oldest first, and marks them as handed over.
 * Returns their number. */
size_t insp_grabber_hand(struct insp_grabber *grabber, int64_t now_us, struct insp_trigger *ret);

/* Ends a trigger that was fired or failed. Returns false if it is unknown. */
bool insp_grabber_end(struct insp_grabber *grabber, uint64_t sequence, bool fired, struct insp_trigger *ret);

/* Ends a trigger that is overdue, or any if `all`. Returns false if there is none. */
bool insp_grabber_expire(struct insp_grabber *grabber, bool all, int64_t now_us, struct insp_trigger *ret);

#endif
