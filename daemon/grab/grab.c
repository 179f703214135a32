#include "daemon/grab/grab.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AWAY_S = 5, SHOT_US = 2 * 1000000 };

void grab_wait(struct grab *grab, int64_t until_us) {
    const struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    pthread_cond_clockwait(&grab->changed, &grab->lock, CLOCK_MONOTONIC, &until);
}

void grab_pause(struct grab *grab, unsigned ms) {
    const int64_t until_us = insp_mono_us() + (int64_t)ms * 1000;
    pthread_mutex_lock(&grab->lock);
    while (!grab->stopping && insp_mono_us() < until_us)
        grab_wait(grab, until_us);
    pthread_mutex_unlock(&grab->lock);
}

/* --- state --- */

/* Copies a reason as JSON and one line of a log can hold it: UTF-8 that ends with a character, without control
 * characters. */
static void copy_detail(const char *why, char ret[INSP_GRABBER_TEXT_BYTES]) {
    snprintf(ret, INSP_GRABBER_TEXT_BYTES, "%s", why);
    for (char *at = ret; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    insp_utf8_clean(ret);
}

static void set_connected(struct grab *grab, bool connected, const char *why) {
    pthread_mutex_lock(&grab->lock);
    if (connected != grab->connected || !grab->state_us)
        grab->state_us = insp_mono_us();
    grab->connected = connected;
    grab->frame_us = insp_mono_us();
    grab->missed = false;
    copy_detail(why, grab->detail);
    if (connected)
        grab_account_connected(&grab->account);
    pthread_mutex_unlock(&grab->lock);
}

void grab_connected(struct grab *grab) {
    set_connected(grab, true, "");
}

void grab_disconnected(struct grab *grab, const char *why) {
    set_connected(grab, false, why);
}

enum insp_grabber_state grab_state(const struct grab *grab, int64_t now_us,
                                   char ret_detail[INSP_GRABBER_TEXT_BYTES]) {
    const unsigned silent_s = grab->options->silent_s;
    ret_detail[0] = 0;
    if (grab->fatal) {
        snprintf(ret_detail, INSP_GRABBER_TEXT_BYTES, "%s", grab->detail);
        return INSP_GRABBER_SILENT;
    }
    if (!grab->connected) {
        snprintf(ret_detail, INSP_GRABBER_TEXT_BYTES, "%s", grab->detail);
        return now_us - grab->state_us > (int64_t)AWAY_S * 1000000 ? INSP_GRABBER_SILENT : INSP_GRABBER_CONNECTING;
    }
    if (grab->missed) {
        snprintf(ret_detail, INSP_GRABBER_TEXT_BYTES, "no frame came after the last trigger");
        return INSP_GRABBER_SILENT;
    }
    if (silent_s && now_us - grab->frame_us > (int64_t)silent_s * 1000000) {
        snprintf(ret_detail, INSP_GRABBER_TEXT_BYTES, "no frame for more than %u s", silent_s);
        return INSP_GRABBER_SILENT;
    }
    return INSP_GRABBER_CONNECTED;
}

/* --- frames --- */

/* Decides whether a frame was asked for, and names its part. Under `lock`. */
static bool wanted(struct grab *grab, struct grab_frame *frame) {
    if (grab->options->mode == INSP_GRABBER_SOFTWARE) {
        if (grab->shot != GRAB_AWAITED)
            return false;
        grab->shot = GRAB_TAKEN;
        snprintf(frame->part, sizeof frame->part, "%s", grab->shot_part);
    }
    return true;
}

static bool copy_data(struct grab_frame *frame) {
    uint8_t *copy = malloc(frame->bytes ? frame->bytes : 1);
    if (copy)
        memcpy(copy, frame->data, frame->bytes);
    frame->data = copy;
    return copy != NULL;
}

static bool enqueue(struct grab *grab, struct grab_frame *frame) {
    if (grab->queued == grab->options->queue || !copy_data(frame)) {
        grab_account_refuse(&grab->account, GRAB_BEHIND);
        return false;
    }
    frame->count = ++grab->count;
    grab->queue[(grab->first + grab->queued++) % GRAB_QUEUE_MAX] = *frame;
    return true;
}

void grab_offer(struct grab *grab, const struct grab_frame *offered) {
    struct grab_frame frame = *offered;
    pthread_mutex_lock(&grab->lock);
    uint64_t lost = grab_account_frame(&grab->account, frame.id);
    grab->frame_us = insp_mono_us();
    bool kept = false, asked = wanted(grab, &frame);
    if (!asked)
        grab_account_refuse(&grab->account, GRAB_UNTRIGGERED);
    else if (!frame.data)
        grab_account_refuse(&grab->account, GRAB_INCOMPLETE);
    else if (!grab_format_known(frame.format))
        grab_account_refuse(&grab->account, GRAB_FORMAT);
    else if (grab->stopping)
        grab_account_refuse(&grab->account, GRAB_STOPPED);
    else
        kept = enqueue(grab, &frame);
    if (asked && !kept && grab->options->mode == INSP_GRABBER_SOFTWARE)
        grab->shot = GRAB_SPOILT;
    pthread_cond_broadcast(&grab->changed);
    pthread_mutex_unlock(&grab->lock);
    if (lost)
        insp_log_warning("frames were lost on the way from the camera count=%llu before=%llu",
                         (unsigned long long)lost, (unsigned long long)frame.id);
}

/* --- triggers --- */

/* Waits for the frame, and returns its end; GRAB_AWAITED: it did not come. Under `lock`. */
static enum grab_shot await(struct grab *grab) {
    const int64_t until_us = insp_mono_us() + SHOT_US;
    while (grab->shot == GRAB_AWAITED && !grab->stopping && insp_mono_us() < until_us)
        grab_wait(grab, until_us);
    const enum grab_shot end = grab->shot;
    grab->shot = GRAB_IDLE;
    grab->missed = end == GRAB_AWAITED;
    return end;
}

static int fire(struct grab *grab, const char *part, struct insp_error *reterr) {
    int code = 0;
    pthread_mutex_lock(&grab->lock);
    grab->shot = GRAB_AWAITED;
    snprintf(grab->shot_part, sizeof grab->shot_part, "%s", part);
    pthread_mutex_unlock(&grab->lock);
    pthread_mutex_lock(&grab->device_lock);
    code = grab->device ? grab_camera_trigger(grab, reterr)
                        : insp_fail(reterr, INSP_E_CAMERA_AWAY, "the camera is away");
    pthread_mutex_unlock(&grab->device_lock);
    pthread_mutex_lock(&grab->lock);
    const enum grab_shot end = code ? GRAB_IDLE : await(grab);
    if (code)
        grab->shot = GRAB_IDLE;
    else if (end == GRAB_SPOILT)
        code = insp_fail(reterr, INSP_E_CAMERA_AWAY,
                         "the frame of the trigger did not arrive whole, or too many wait");
    else if (end != GRAB_TAKEN)
        code = insp_fail(reterr, INSP_E_CAMERA_AWAY, "no frame came within %d s", SHOT_US / 1000000);
    pthread_mutex_unlock(&grab->lock);
    return code;
}

int grab_fire(struct grab *grab, const char *part, struct insp_error *reterr) {
    pthread_mutex_lock(&grab->fire_lock);
    int code = fire(grab, part, reterr);
    pthread_mutex_unlock(&grab->fire_lock);
    return code;
}
