#include "core/line/grabber.h"

#include <stdio.h>
#include <string.h>

const char *insp_grabber_mode_name(enum insp_grabber_mode mode) {
    static const char *const names[INSP_GRABBER_MODES] = {"free", "line", "software"};
    return names[mode];
}

const char *insp_grabber_state_name(enum insp_grabber_state state) {
    static const char *const names[INSP_GRABBER_STATES] = {"connecting", "connected", "silent"};
    return names[state];
}

bool insp_grabber_attached(const struct insp_grabber *grabber, int64_t now_us) {
    return grabber->waiting || now_us - grabber->seen_us < INSP_GRABBER_GONE_US;
}

bool insp_grabber_silent(const struct insp_grabber *grabber, int64_t now_us) {
    return !insp_grabber_attached(grabber, now_us) || grabber->last.state == INSP_GRABBER_SILENT;
}

int insp_grabber_take(struct insp_grabber *grabber, const struct insp_grabber_report *report, int64_t now_us,
                      int64_t wall_us, struct insp_error *reterr) {
    bool same = !strcmp(grabber->last.session, report->session);
    if (grabber->last.session[0] && !same && insp_grabber_attached(grabber, now_us))
        return insp_fail(reterr, INSP_E_CONFLICT, "another grabber serves this camera");
    if (!grabber->since_us || report->state != grabber->last.state)
        grabber->since_us = wall_us;
    grabber->last = *report;
    grabber->seen_us = now_us;
    for (size_t i = 0; i < INSP_TRIGGERS_MAX; i++)
        if (grabber->trigger[i].sequence > report->after)
            grabber->trigger[i].handed = false;
    return 0;
}

static struct insp_trigger *free_place(struct insp_grabber *grabber) {
    for (size_t i = 0; i < INSP_TRIGGERS_MAX; i++)
        if (!grabber->trigger[i].sequence)
            return &grabber->trigger[i];
    return NULL;
}

int insp_grabber_fire(struct insp_grabber *grabber, const char *part, void *asker, bool station, int64_t now_us,
                      uint64_t *ret, struct insp_error *reterr) {
    const struct insp_grabber_report *last = &grabber->last;
    if (!insp_grabber_attached(grabber, now_us))
        return insp_fail(reterr, INSP_E_CAMERA_AWAY, "the grabber of this camera has gone");
    if (last->mode != INSP_GRABBER_SOFTWARE)
        return insp_fail(reterr, INSP_E_CONFLICT,
                         "the grabber of this camera runs with --trigger %s; a trigger needs --trigger software",
                         insp_grabber_mode_name(last->mode));
    if (last->state == INSP_GRABBER_CONNECTING) /* a silent camera may answer again: its grabber knows */
        return insp_fail(reterr, INSP_E_CAMERA_AWAY, "the camera is away: %s", last->detail);
    struct insp_trigger *trigger = free_place(grabber);
    if (!trigger)
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "%d triggers of this camera wait already", INSP_TRIGGERS_MAX);
    *trigger = (struct insp_trigger){
        .sequence = ++grabber->sequence, .at_us = now_us, .asker = asker, .station = station};
    snprintf(trigger->part, sizeof trigger->part, "%s", part);
    *ret = trigger->sequence;
    return 0;
}

/* Returns the oldest fresh trigger that is to be handed over; NULL: none. */
static struct insp_trigger *next_to_hand(struct insp_grabber *grabber, int64_t now_us) {
    struct insp_trigger *found = NULL;
    for (size_t i = 0; i < INSP_TRIGGERS_MAX; i++) {
        struct insp_trigger *t = &grabber->trigger[i];
        if (t->sequence && !t->handed && now_us - t->at_us <= INSP_TRIGGER_FRESH_US &&
            (!found || t->sequence < found->sequence))
            found = t;
    }
    return found;
}

size_t insp_grabber_hand(struct insp_grabber *grabber, int64_t now_us, struct insp_trigger *ret) {
    size_t count = 0;
    for (struct insp_trigger *t; count < INSP_TRIGGERS_MAX && (t = next_to_hand(grabber, now_us)); count++) {
        t->handed = true;
        ret[count] = *t;
    }
    return count;
}

bool insp_grabber_end(struct insp_grabber *grabber, uint64_t sequence, bool fired, struct insp_trigger *ret) {
    for (size_t i = 0; sequence && i < INSP_TRIGGERS_MAX; i++) {
        if (grabber->trigger[i].sequence != sequence)
            continue;
        *ret = grabber->trigger[i];
        grabber->trigger[i] = (struct insp_trigger){0};
        *(fired ? &grabber->fired : &grabber->failed) += 1;
        return true;
    }
    return false;
}

bool insp_grabber_expire(struct insp_grabber *grabber, bool all, int64_t now_us, struct insp_trigger *ret) {
    for (size_t i = 0; i < INSP_TRIGGERS_MAX; i++) {
        const struct insp_trigger *t = &grabber->trigger[i];
        if (t->sequence && (all || now_us - t->at_us > (t->handed ? INSP_TRIGGER_END_US : INSP_TRIGGER_FRESH_US)))
            return insp_grabber_end(grabber, t->sequence, false, ret);
    }
    return false;
}
