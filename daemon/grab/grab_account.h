/* daemon/grab/grab_account.h - account for the frames of a camera: each that was seen ends with a verdict, or is
 * refused for one counted reason. One thread at a time; the caller locks. */
#ifndef INSP_DAEMON_GRAB_GRAB_ACCOUNT_H
#define INSP_DAEMON_GRAB_GRAB_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum grab_refusal {
    GRAB_LOST,        /* the camera sent it, by the gap in its numbers, and it did not arrive */
    GRAB_INCOMPLETE,  /* packets are missing */
    GRAB_FORMAT,      /* its pixels cannot be posted */
    GRAB_UNTRIGGERED, /* no software trigger asked for it */
    GRAB_BEHIND,      /* the daemon takes frames more slowly than the camera sends them */
    GRAB_REFUSED,     /* by the daemon, with a problem code */
    GRAB_AWAY,        /* the daemon could not be reached: it has not seen the frame */
    GRAB_UNANSWERED,  /* the connection broke before the answer: the inspection may be stored */
    GRAB_STOPPED,     /* the grabber ended first */
    GRAB_REFUSALS
};
const char *grab_refusal_name(enum grab_refusal refusal); /* "lost"...; static */

enum grab_verdict { GRAB_GOOD, GRAB_ANOMALY, GRAB_REVIEW, GRAB_VERDICTS };

enum { GRAB_CODES = 16, GRAB_CODE_BYTES = 48, GRAB_TEXT_BYTES = 1024 };

struct grab_account {
    uint64_t frames; /* seen */
    uint64_t verdict[GRAB_VERDICTS], refused[GRAB_REFUSALS];
    struct {
        char name[GRAB_CODE_BYTES];
        uint64_t count;
    } code[GRAB_CODES]; /* of GRAB_REFUSED; the last place counts all further ones as "other" */
    uint64_t last_id;   /* of the newest frame of this connection to the camera; 0: none yet */
};

/* Begins a new connection to the camera, whose frames are numbered anew. */
void grab_account_connected(struct grab_account *account);

/* Counts a frame that has arrived, and those that the camera sent before it and that did not arrive. Numbers of 16
 * bits return to 1 after 65535 (GigE Vision 1), others do not. A number that is not above the last one, and a gap
 * of more than 10,000, count as a new start. Returns the number of lost frames. */
uint64_t grab_account_frame(struct grab_account *account, uint64_t id);

/* Count the end of a frame. */
void grab_account_refuse(struct grab_account *account, enum grab_refusal refusal);
void grab_account_code(struct grab_account *account, const char *code); /* GRAB_REFUSED with the daemon's code */
bool grab_account_verdict(struct grab_account *account, const char *verdict); /* false: no verdict of that name */

/* Return the sums; frames = verdicts + refused + frames in hand. */
uint64_t grab_account_verdicts(const struct grab_account *account);
uint64_t grab_account_refused(const struct grab_account *account);

/* Writes "frames=.. good=.. anomaly=.. review=.. refused=.. in_hand=.. lost=.. ... code.queue_full=..". */
void grab_account_text(const struct grab_account *account, char ret[GRAB_TEXT_BYTES]);

#endif
