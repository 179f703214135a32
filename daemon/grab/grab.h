/* daemon/grab/grab.h - share the state of the program inspectd-grab between its threads.
 *
 *   main     signals, the counts in the log
 *   camera   opens the camera, takes its frames, opens it again when it is lost; only `report` uses it too, to
 *            fire it
 *   poster   N threads: each posts one frame at a time
 *   report   tells the daemon the state, waits for triggers and fires them
 *
 * `lock` protects everything below it. A frame goes from camera to poster through `queue`; when that is full the
 * frame is refused, so that a slow daemon never makes frames old. */
#ifndef INSP_DAEMON_GRAB_GRAB_H
#define INSP_DAEMON_GRAB_GRAB_H

#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/line/grabber.h"
#include "daemon/grab/grab_account.h"
#include "daemon/grab/grab_pixels.h"

#include <pthread.h>

enum { GRAB_POSTERS_MAX = 16, GRAB_QUEUE_MAX = 64, GRAB_PART_BYTES = INSP_GRABBER_TAG_BYTES };

struct grab_options {
    const char *camera; /* of the driver: a device id or an address */
    const char *name;   /* of the daemon */
    const char *product;
    const char *url;                             /* of the daemon, without a slash at its end */
    const char *line;                            /* source of a trigger by wire */
    const char *token_file, *ca_file, *features; /* "": none */
    enum insp_grabber_mode mode;
    unsigned interval_ms; /* 0: none */
    unsigned silent_s;    /* longest time without a frame; 0: any */
    unsigned posters, queue;
    unsigned packet_bytes; /* of GigE Vision; 0: as the camera is set */
};

/* The frame that a software trigger waits for. */
enum grab_shot { GRAB_IDLE, GRAB_AWAITED, GRAB_TAKEN, GRAB_SPOILT /* it came, and was refused */ };

struct grab {
    const struct grab_options *options;
    char token[256];
    char session[INSP_UUID_BYTES];
    void *device;              /* an ArvCamera, of the camera thread; NULL while it is away. Under `device_lock` */
    pthread_mutex_t fire_lock; /* one software trigger at a time; taken before the others */
    pthread_mutex_t device_lock; /* one control command at a time; never taken with `lock` held */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* a frame in the queue, a frame taken, an end */
    bool stopping;          /* no new frames, no new triggers */
    int64_t stop_us;        /* monotonic: when that began */
    bool draining;          /* the camera is closed: posters end when the queue is empty */
    bool fatal;             /* the camera cannot be used as it is set: `detail` says why */
    bool connected;
    int64_t state_us; /* monotonic: since it is connected or not */
    int64_t frame_us; /* monotonic: newest frame of this connection, or its begin */
    bool missed;      /* the last software trigger brought no frame */
    char detail[INSP_GRABBER_TEXT_BYTES];
    uint64_t count; /* frames that were given to posters */
    struct grab_account account;
    enum grab_shot shot;
    char shot_part[GRAB_PART_BYTES];
    struct grab_frame queue[GRAB_QUEUE_MAX]; /* a ring */
    size_t queued, first;
};

/* Run in their threads until the end. arg: the struct grab. */
void *grab_camera_run(void *arg);
void *grab_poster_run(void *arg);
void *grab_report_run(void *arg);

/* Fires the camera and waits until its frame is in the queue, at most two seconds. part: of the frame; "": the
 * grabber counts. Fails with INSP_E_CAMERA_AWAY, also if the frame came and was refused. */
int grab_fire(struct grab *grab, const char *part, struct insp_error *reterr);

/* Makes the library's command. Called by grab_fire with device_lock held and a device. Fails with
 * INSP_E_CAMERA_AWAY. */
int grab_camera_trigger(struct grab *grab, struct insp_error *reterr);

/* Takes a frame from the camera thread: counts it, and queues or refuses it.
 *   frame  its data is borrowed; NULL data: it is incomplete */
void grab_offer(struct grab *grab, const struct grab_frame *frame);

/* Notes that the camera is connected, or why not. */
void grab_connected(struct grab *grab);
void grab_disconnected(struct grab *grab, const char *why);

/* Says in which state the camera is, and why. Under `lock`. */
enum insp_grabber_state grab_state(const struct grab *grab, int64_t now_us,
                                   char ret_detail[INSP_GRABBER_TEXT_BYTES]);

/* Waits on `changed` under `lock`, at most until a monotonic time. */
void grab_wait(struct grab *grab, int64_t until_us);

/* Waits for a time, or until the grabber stops. */
void grab_pause(struct grab *grab, unsigned ms);

#endif
